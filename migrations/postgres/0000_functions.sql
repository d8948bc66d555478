-- What the statements of both databases have in common and PostgreSQL does not bring along.

-- The elements of a JSON array: `atom` is the plain value of a text or a number.
CREATE FUNCTION json_each(document TEXT)
RETURNS TABLE (key BIGINT, value JSONB, atom TEXT) LANGUAGE sql IMMUTABLE ROWS 100 AS $$
    SELECT element.n - 1, element.value, element.value #>> '{}'
    FROM jsonb_array_elements(document::jsonb) WITH ORDINALITY AS element (value, n)
$$;

-- Bytes from their hexadecimal form.
CREATE FUNCTION unhex(digits TEXT) RETURNS BYTEA LANGUAGE sql IMMUTABLE AS $$
    SELECT decode(digits, 'hex')
$$;

-- Refuses a change, in the words of the trigger.
CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;

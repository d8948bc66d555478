//! What an operator can do about what the database said.

/// How to mend what the database said, for the cases where an operator can.
pub(super) fn hint(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => {
            " (no connection for too long: the server cannot be reached, or somebody is holding the \
             database, or it is overloaded)"
        }
        sqlx::Error::Io(_) => {
            " (the server cannot be reached: is it running, are host and port right, does a firewall \
             stand between?)"
        }
        sqlx::Error::Tls(_) => {
            " (no secure connection: is the certificate that of the host, and known here? \
             sslrootcert=FILE in the address names its authority)"
        }
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default();
            // Codes of PostgreSQL have five signs; those of SQLite are numbers.
            if said
                .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                .is_some()
            {
                of_postgres(&code)
            } else {
                of_sqlite(&code)
            }
        }
        _ => "",
    }
}

/// Source: <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
fn of_sqlite(code: &str) -> &'static str {
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5) => " (another process is writing: wait for it, or stop it)",
        Ok(8) => " (the file or its folder is read-only: check owner and mode)",
        Ok(10) => " (the disk cannot be read or written: is it full or failing? nothing is lost)",
        Ok(13) => " (the disk is full: free some space and start again, nothing is lost)",
        Ok(14) => " (the folder does not exist or may not be written to)",
        Ok(11 | 26) => " (the file is damaged or is no database: restore the last backup)",
        _ => "",
    }
}

/// Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_postgres(code: &str) -> &'static str {
    match code {
        "28P01" | "28000" => {
            " (user or password is wrong, or pg_hba.conf does not let us in: the password comes from \
             database.password_file, PGPASSWORD or ~/.pgpass)"
        }
        "3D000" => " (make the database first: createdb --owner USER NAME)",
        "3F000" => " (make the schema first: CREATE SCHEMA NAME AUTHORIZATION USER)",
        "42501" => {
            " (the user may not do that: let him own the database, or GRANT CREATE, USAGE ON its schema)"
        }
        "53300" => {
            " (the server has no connection left: raise max_connections, or run fewer \
             processes)"
        }
        "53100" => " (the disk of the server is full: free some space there, nothing is lost)",
        "53200" => " (the server has no memory left)",
        "57P03" => {
            " (the server is starting or stopping: try again in a moment; a service does so by itself)"
        }
        "57P01" | "57P02" => {
            " (the server was stopped, or somebody ended the session: try again; a service does so by \
             itself)"
        }
        "57014" => " (somebody cancelled the statement, or statement_timeout is too short)",
        "55P03" => {
            " (another process is writing for longer than database.wait_seconds: wait for it, or stop it)"
        }
        "40001" | "40P01" => " (it collided with another process and may simply be done again)",
        "25006" => " (the server is read-only, a standby perhaps: connect to the primary)",
        "22021" | "22P05" => {
            " (a text cannot be kept in the encoding of the database: it must be UTF8)"
        }
        _ if code.starts_with("08") => {
            " (the connection to the server broke off: try again; a service does so by itself)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_can_mend_is_said_in_his_words() {
        for (code, word) in [
            ("28P01", "password"),
            ("3D000", "createdb"),
            ("42501", "GRANT"),
            ("53300", "max_connections"),
            ("53100", "disk"),
            ("57P03", "starting"),
            ("55P03", "wait_seconds"),
            ("08006", "broke off"),
            ("25006", "primary"),
        ] {
            assert!(of_postgres(code).contains(word), "{code}");
        }
        assert_eq!(of_postgres("42P01"), "", "a mistake in the source");
        assert!(of_sqlite("517").contains("another process"));
    }

    #[test]
    fn a_server_that_is_not_there_is_asked_for() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(hint(&sqlx::Error::Io(refused)).contains("is it running"));
    }
}

//! Values on their way into a statement.

use std::borrow::Cow;

use serde::Serialize;
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// A value of a statement. What is missing still has a kind: PostgreSQL wants to know it.
#[derive(Clone, Debug)]
pub(in crate::db) enum Value<'q> {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<Cow<'q, str>>),
    Bytes(Option<Cow<'q, [u8]>>),
    /// What could not be written as JSON, and why.
    Unwritten(String),
}

/// Binds a value as the text of its JSON.
#[derive(Clone, Copy, Debug)]
pub(in crate::db) struct Json<T>(pub(in crate::db) T);

impl<'q, T: Serialize> Bind<'q> for Json<T> {
    fn value(this: Option<Self>) -> Value<'q> {
        match this
            .map(|Json(value)| serde_json::to_string(&value))
            .transpose()
        {
            Ok(text) => Value::Text(text.map(Cow::Owned)),
            Err(error) => Value::Unwritten(error.to_string()),
        }
    }
}

impl Value<'_> {
    /// The value with all that it borrowed.
    pub(in crate::db) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Int(value) => Value::Int(value),
            Self::Real(value) => Value::Real(value),
            Self::Text(text) => Value::Text(text.map(|text| Cow::Owned(text.into_owned()))),
            Self::Bytes(bytes) => Value::Bytes(bytes.map(|bytes| Cow::Owned(bytes.into_owned()))),
            Self::Unwritten(why) => Value::Unwritten(why),
        }
    }
}

/// The values of a statement, in their order.
pub(in crate::db) type Values<'q> = Vec<Value<'q>>;

/// What can be bound to a statement.
pub(in crate::db) trait Bind<'q>: Sized {
    /// The value; a missing one where there is none.
    fn value(this: Option<Self>) -> Value<'q>;
}

macro_rules! bind_integers {
    ($($kind:ty),*) => {$(
        impl<'q> Bind<'q> for $kind {
            fn value(this: Option<Self>) -> Value<'q> {
                Value::Int(this.map(i64::from))
            }
        }
    )*};
}
bind_integers!(i64, i32, u32, u16, u8, bool);

impl<'q> Bind<'q> for f64 {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Real(this)
    }
}

impl<'q> Bind<'q> for &'q str {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Text(this.map(Cow::Borrowed))
    }
}

impl<'q> Bind<'q> for String {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Text(this.map(Cow::Owned))
    }
}

impl<'q> Bind<'q> for &'q String {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Text(this.map(|text| Cow::Borrowed(text.as_str())))
    }
}

impl<'q> Bind<'q> for &'q [u8] {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Bytes(this.map(Cow::Borrowed))
    }
}

impl<'q> Bind<'q> for Vec<u8> {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Bytes(this.map(Cow::Owned))
    }
}

impl<'q> Bind<'q> for &'q Vec<u8> {
    fn value(this: Option<Self>) -> Value<'q> {
        Value::Bytes(this.map(|bytes| Cow::Borrowed(bytes.as_slice())))
    }
}

impl<'q> Bind<'q> for &'q Option<String> {
    fn value(this: Option<Self>) -> Value<'q> {
        Bind::value(Some(this.and_then(|text| text.as_deref())))
    }
}

impl<'q, T: Bind<'q>> Bind<'q> for Option<T> {
    fn value(this: Option<Self>) -> Value<'q> {
        T::value(this.flatten())
    }
}

/// As SQLite takes them.
pub(super) fn for_sqlite(values: Values<'_>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        add(&mut arguments, value)?;
    }
    Ok(arguments)
}

/// As PostgreSQL takes them.
pub(super) fn for_postgres(values: Values<'_>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), values.len() * 16);
    for value in values {
        add(&mut arguments, value)?;
    }
    Ok(arguments)
}

fn add<A>(arguments: &mut A, value: Value<'_>) -> Result<(), sqlx::Error>
where
    A: Arguments,
    for<'q> Option<i64>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<f64>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<String>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<&'q str>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<Vec<u8>>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<&'q [u8]>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
{
    let added = match value {
        Value::Int(value) => arguments.add(value),
        Value::Real(value) => arguments.add(value),
        Value::Text(Some(Cow::Borrowed(text))) => arguments.add(Some(text)),
        Value::Text(text) => arguments.add(text.map(Cow::into_owned)),
        Value::Bytes(Some(Cow::Borrowed(bytes))) => arguments.add(Some(bytes)),
        Value::Bytes(bytes) => arguments.add(bytes.map(Cow::into_owned)),
        Value::Unwritten(why) => Err(why.into()),
    };
    added.map_err(sqlx::Error::Encode)
}

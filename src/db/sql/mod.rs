//! One way to ask two databases.
//!
//! A statement is built once, with its values, and goes to whichever database the connection leads
//! to. Where both understand the same text it is written once; where one of them can do it better,
//! or only in its own words, both texts stand beside each other ([`query_of`]). Nothing is
//! translated on the way: what is written is what the database gets; only where two statements go
//! together ([`Query::then`]) the parameters of the second are counted on.
//!
//! Texts that both understand: parameters are `$1`, `$2` …; integers are `BIGINT`; what comes out of
//! JSON is cast; `json_each(text)` gives `key`, `value` and `atom` (a function of ours in
//! PostgreSQL); flags are compared with 0 or 1; every column that is not grouped is aggregated.

mod column;
mod connection;
mod pair;
mod query;
mod value;
mod writer;

pub(in crate::db) use column::Row;
pub(in crate::db) use connection::{Connection, Engine, Executor, Pool, Transaction};
pub(in crate::db) use pair::Pair;
pub(in crate::db) use query::{Query, query, query_as, query_of, query_scalar, raw, raw_of};
pub(in crate::db) use value::{Bind, Json, Value, Values};
pub(in crate::db) use writer::Writer;

//! The service that nobody watches: schedules, letters to the operator, backups, erasure, reload.

mod backups;
mod processes;
mod rights;
mod ticks;

//! rekindle wakes sleeping clients.
//!
//! The house has five floors; a file may use its own folder and lower floors, never up, never
//! sideways (`tests/it/house.rs` reads the sources and enforces it):
//!
//! | floor | rooms | what lives there |
//! | --- | --- | --- |
//! | 4 | `main.rs`, `cli` | arguments, exit codes, what a person sees in the terminal |
//! | 3 | `app.rs`, `jobs`, `web` | when: ticks, jobs, requests |
//! | 2 | `db`, `sources`, `channels`, `render`, `pictures` | the outside world |
//! | 1 | [`rules`] | pure: who, whether, when, what, and did it work |
//! | 0 | [`model`], `config`, [`clock`] | plain data, parsed configuration, the clock |

/// Ends the process at a named point where the build and the environment ask for it: the tests of
/// `tests/crash_points.sh`. In every other build it is nothing at all.
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(feature = "crash-points")]
        fail::fail_point!($name, |_| std::process::abort());
    };
}

/// Memory: for SQLite too, which asks for it by the names of C.
#[cfg(target_os = "linux")]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod app;
pub mod certificates;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod jobs;
pub mod model;
pub mod pictures;
pub mod render;
pub mod rules;
pub mod sources;
pub mod web;

//! A server of PostgreSQL of the test's own, which may be restarted: that of the suite may not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running server; gone when dropped.
pub(super) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts one; nothing where PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        // A server refuses to be run by root.
        if is_root() {
            let mut given = Command::new("chown");
            given.arg(owner()).arg(folder.path());
            assert!(given.status().is_ok_and(|status| status.success()));
        }
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let cluster = Self {
            folder,
            programs,
            port,
        };
        let data = cluster.data();
        let data = data.to_str().expect("a path");
        cluster.must(
            "initdb",
            &["-D", data, "-U", "rekindle", "-A", "trust", "--no-sync"],
        );
        cluster.control(&["-w", "start"]);
        Some(cluster)
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("postgres://rekindle@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends all sessions and starts again: in order, or as after a crash.
    pub(super) fn restart(&self, crash: bool) {
        let mode = if crash { "immediate" } else { "fast" };
        self.control(&["-m", mode, "-w", "stop"]);
        self.control(&["-w", "start"]);
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, arguments: &[&str]) {
        // The disk is not what is tried here: what is ended is the server, never the machine.
        let options = format!(
            "-c port={} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off",
            self.port
        );
        let data = self.data();
        let log = self.folder.path().join("data/server.log");
        let mut all = vec!["-D", data.to_str().expect("a path")];
        all.extend(["-l", log.to_str().expect("a path"), "-o", &options]);
        all.extend(arguments);
        self.must("pg_ctl", &all);
    }

    fn must(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program, arguments).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{program} {arguments:?}"
        );
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let path = self.programs.join(program);
        let mut command = if is_root() {
            let owner = owner();
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={owner}"), format!("--regid={owner}")]);
            command.args(["--clear-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let data = data.to_str().unwrap_or_default();
        let stop = ["-D", data, "-m", "immediate", "-w", "stop"];
        let _ = self.command("pg_ctl", &stop).status();
    }
}

/// The programs of the newest server.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|bin| bin.join("initdb").is_file()).max()
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output();
    said.is_ok_and(|said| said.stdout.starts_with(b"0\n"))
}

fn owner() -> &'static str {
    let passwords = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    if passwords.lines().any(|line| line.starts_with("postgres:")) {
        "postgres"
    } else {
        "nobody"
    }
}

//! A real browser: headless Chromium, driven over WebDriver by a few requests of our own.
//!
//! Where Chromium is missing a test says so and ends; with `CI=true` it fails. What a browser looks
//! up by itself is switched off: a test reaches nothing but this machine.
//!
//! Source: W3C WebDriver; ChromeDriver, `goog/cdp/execute`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

/// Where Debian puts them, and what others call them.
const DRIVERS: [&str; 3] = [
    "/usr/bin/chromedriver",
    "/usr/local/bin/chromedriver",
    "chromedriver",
];

/// What the browser is started with: no screen, no calls home, a profile of its own.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--lang=ru",
];

/// The name under which WebDriver tells of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window, gone with its driver and its profile at the end of the test.
pub(super) struct Chromium {
    driver: Child,
    session: String,
    http: reqwest::Client,
    _profile: tempfile::TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The driver ends its browser when it is told to end.
        let host = self
            .session
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap();
        if let Ok(mut driver) = TcpStream::connect(host) {
            let _ = driver.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = write!(
                driver,
                "GET /shutdown HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            );
            let _ = driver.read_to_end(&mut Vec::new());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Chromium {
    /// Starts a browser with a window of this size; nothing where there is none.
    pub(super) async fn start(width: u32, height: u32) -> Option<Self> {
        let started = DRIVERS.into_iter().find_map(|driver| {
            let mut command = Command::new(driver);
            command
                .arg("--port=0")
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            command.spawn().ok()
        });
        let Some(mut driver) = started else {
            let words = "Chromium is missing (Debian: apt-get install chromium chromium-driver)";
            assert!(!must_be_there(), "{words}");
            eprintln!("{words}: this test has tried nothing");
            return None;
        };
        let port = port_of(&mut driver);
        let profile = tempfile::tempdir().unwrap();
        let mut args: Vec<String> = FLAGS.map(str::to_owned).into();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        args.push(format!("--window-size={width},{height}"));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": args, "prefs": { "intl.accept_languages": "ru,en" } }
        }}});
        let http = crate::web::http();
        let root = format!("http://127.0.0.1:{port}");
        let answer = call(&http, &format!("{root}/session"), Some(&wanted)).await;
        let id = answer["sessionId"].as_str().expect("a session").to_owned();
        let chromium = Self {
            driver,
            session: format!("{root}/session/{id}"),
            http,
            _profile: profile,
        };
        // Whatever is looked for may still be on its way.
        chromium
            .post("timeouts", &json!({ "implicit": 20_000 }))
            .await;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        chromium
            .devtools("Emulation.setDeviceMetricsOverride", &size)
            .await;
        Some(chromium)
    }

    /// A command of the browser's own tools.
    pub(super) async fn devtools(&self, command: &str, params: &Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        self.post("goog/cdp/execute", &body).await
    }

    /// Shows pages as somebody sees them who prefers dark ones, or light ones.
    pub(super) async fn prefer_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", &media).await;
    }

    pub(super) async fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url })).await;
    }

    pub(super) async fn path(&self) -> String {
        let url = call(&self.http, &format!("{}/url", self.session), None).await;
        let url = url.as_str().unwrap().to_owned();
        url.split_once("://")
            .unwrap()
            .1
            .split_once('/')
            .map_or(String::new(), |(_, path)| format!("/{path}"))
    }

    /// What a person reads on the page.
    pub(super) async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap().replace('\u{a0}', " ")
    }

    /// Taps on the only thing that CSS, or XPath where it begins with `//`, names.
    pub(super) async fn tap(&self, css: &str) {
        let element = self.element(css).await;
        let visible =
            "arguments[0].scrollIntoView({block: 'center'}); return arguments[0].checkVisibility()";
        let shown = self.run_with(visible, &element).await;
        assert_eq!(shown, Value::Bool(true), "{css} cannot be seen");
        let id = element[ELEMENT].as_str().unwrap();
        self.post(&format!("element/{id}/click"), &json!({})).await;
    }

    /// Waits until the only thing that CSS names is there: a page has come.
    pub(super) async fn see(&self, css: &str) {
        self.element(css).await;
    }

    /// Types into a field.
    pub(super) async fn write(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        let id = element[ELEMENT].as_str().unwrap();
        self.post(&format!("element/{id}/value"), &json!({ "text": text }))
            .await;
    }

    async fn element(&self, css: &str) -> Value {
        let using = if css.starts_with("//") {
            "xpath"
        } else {
            "css selector"
        };
        let body = json!({ "using": using, "value": css });
        let found = self.post("elements", &body).await;
        let found = found.as_array().unwrap().clone();
        assert_eq!(found.len(), 1, "{css} is there {} times", found.len());
        found[0].clone()
    }

    /// Runs a script of the test in the page; the pages themselves have none.
    pub(super) async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
            .await
    }

    async fn run_with(&self, script: &str, element: &Value) -> Value {
        self.post(
            "execute/sync",
            &json!({ "script": script, "args": [element] }),
        )
        .await
    }

    /// The whole page as PNG.
    pub(super) async fn picture(&self, most: u32) -> Vec<u8> {
        let size = self.run("return [document.documentElement.clientWidth, document.documentElement.scrollHeight]").await;
        let (width, height) = (
            size[0].as_u64().unwrap(),
            size[1].as_u64().unwrap().min(most.into()),
        );
        let params = json!({ "format": "png", "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height, "scale": 1 } });
        let picture = self.devtools("Page.captureScreenshot", &params).await;
        let data = picture["data"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap()
    }

    async fn post(&self, what: &str, body: &Value) -> Value {
        call(&self.http, &format!("{}/{what}", self.session), Some(body)).await
    }
}

/// Whether a missing browser is a failure.
#[expect(
    clippy::disallowed_methods,
    reason = "only the environment says where the tests are run"
)]
fn must_be_there() -> bool {
    std::env::var("CI").as_deref() == Ok("true")
}

/// The port that the driver has chosen: it says so in a line.
fn port_of(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    for line in lines {
        let line = line.unwrap();
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').trim().parse().unwrap();
        }
    }
    panic!("the driver has ended without a port");
}

async fn call(http: &reqwest::Client, url: &str, body: Option<&Value>) -> Value {
    let request = match body {
        Some(body) => http.post(url).body(body.to_string()),
        None => http.get(url),
    };
    let answer = request.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let value = answer["value"].clone();
    assert!(value.get("error").is_none(), "{url}: {value}");
    value
}

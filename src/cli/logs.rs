//! The log: words on standard error for people, one JSON object a line for programs; with the
//! feature `otel` traces as well.
//!
//! No address leaves through it. Nobody logs one on purpose; what a mail server or a file says may
//! hold one, so every line is looked through before it is written.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::{Cli, Command, run};

/// Starts the log as `REKINDLE_LOG` (which) and `REKINDLE_LOG_FORMAT` (`text` or `json`) say. What
/// is returned ends the traces when it is dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "the log is started before anything else is read"
)]
pub fn start(cli: &Cli) -> Traces {
    let service = matches!(cli.command, Command::Run(run::RunArgs { once: false, .. }));
    let usual = if service {
        "rekindle=info,error"
    } else {
        "error"
    };
    let filter = std::env::var("REKINDLE_LOG").unwrap_or_else(|_| usual.to_owned());
    let json = std::env::var("REKINDLE_LOG_FORMAT").is_ok_and(|format| format == "json");
    let (layer, traces) = traces();
    let subscriber = tracing_subscriber::registry()
        .with(EnvFilter::new(filter))
        .with(layer);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Masked)
        .with_ansi(io::stderr().is_terminal());
    if json {
        let lines = lines.json().flatten_event(true).with_current_span(false);
        subscriber.with(lines).init();
    } else {
        subscriber.with(lines).init();
    }
    traces
}

/// The traces; nothing without the feature `otel`.
#[derive(Debug)]
pub struct Traces {
    #[cfg(feature = "otel")]
    provider: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

#[cfg(not(feature = "otel"))]
fn traces() -> (Option<tracing_subscriber::layer::Identity>, Traces) {
    (None, Traces {})
}

/// Traces to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names; none where it names nobody.
#[cfg(feature = "otel")]
#[expect(
    clippy::disallowed_methods,
    reason = "the switch of the traces is the variable that collectors define"
)]
fn traces<S>() -> (
    Option<tracing_opentelemetry::OpenTelemetryLayer<S, opentelemetry_sdk::trace::Tracer>>,
    Traces,
)
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    use opentelemetry::trace::TracerProvider;
    // The client of the exporter asks for it; another one that was there first is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").is_err() {
        return (None, Traces { provider: None });
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .build();
    let exporter = match exporter {
        Ok(exporter) => exporter,
        Err(error) => {
            let _ = writeln!(io::stderr(), "no traces: {error}");
            return (None, Traces { provider: None });
        }
    };
    let name = std::env::var("OTEL_SERVICE_NAME");
    let name = name.unwrap_or_else(|_| "rekindle".to_owned());
    let service = opentelemetry_sdk::Resource::builder().with_service_name(name);
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_resource(service.build())
        .with_batch_exporter(exporter)
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("rekindle"));
    let provider = Some(provider);
    (Some(layer), Traces { provider })
}

#[cfg(feature = "otel")]
impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(Err(error)) = self
            .provider
            .as_ref()
            .map(opentelemetry_sdk::trace::SdkTracerProvider::shutdown)
        {
            let _ = writeln!(io::stderr(), "the last traces are lost: {error}");
        }
    }
}

/// Standard error, without addresses.
#[derive(Clone, Copy, Debug)]
struct Masked;

impl<'w> MakeWriter<'w> for Masked {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        *self
    }
}

impl Write for Masked {
    /// The layer hands over whole lines.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let masked = masked(&String::from_utf8_lossy(line));
        io::stderr().lock().write_all(masked.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A line with `[address]` and `[phone]` in the place of what looks like one.
fn masked(line: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || "._%+-@".contains(c);
    let mut told = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(part) {
        told.push_str(&rest[..start]);
        let word = &rest[start..];
        let end = word.find(|c| !part(c)).unwrap_or(word.len());
        told.push_str(replacement(&word[..end]));
        rest = &word[end..];
    }
    told.push_str(rest);
    told
}

fn replacement(word: &str) -> &str {
    if let Some((before, after)) = word.split_once('@')
        && !before.is_empty()
        && !after.is_empty()
    {
        return "[address]";
    }
    let digits = word.strip_prefix('+').unwrap_or_default();
    if digits.len() >= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return "[phone]";
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_leaves_through_the_log() {
        for (line, told) in [
            (
                "550 <anna.k+x@example.org>: unknown",
                "550 <[address]>: unknown",
            ),
            ("{\"to\":\"anna@пример.рф\"}", "{\"to\":\"[address]\"}"),
            ("phone=+77011234567, again", "phone=[phone], again"),
            (
                "a 2026-11-22T06:00:00.123Z b",
                "a 2026-11-22T06:00:00.123Z b",
            ),
            (
                "messages=12 took=+3ms @ home",
                "messages=12 took=+3ms @ home",
            ),
            ("", ""),
        ] {
            assert_eq!(masked(line), told);
        }
    }
}

//! Asking the DNS about the domain that letters are sent from.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks name servers.
pub struct Names(TokioResolver);

/// The name servers gave no answer: nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name servers gave no answer: {0}")]
pub struct NoAnswer(String);

impl Names {
    /// The name servers of this machine.
    pub fn of_this_machine() -> Result<Self, NoAnswer> {
        let mut builder = TokioResolver::builder_tokio().map_err(|error| no_answer(&error))?;
        builder.options_mut().timeout = PATIENCE;
        builder.options_mut().attempts = 1;
        let resolver = builder.build().map_err(|error| no_answer(&error))?;
        Ok(Self(resolver))
    }

    /// One name server.
    pub fn at(server: SocketAddr) -> Result<Self, NoAnswer> {
        let mut udp = ConnectionConfig::udp();
        udp.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![udp]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        builder.options_mut().timeout = PATIENCE;
        builder.options_mut().attempts = 1;
        let resolver = builder.build().map_err(|error| no_answer(&error))?;
        Ok(Self(resolver))
    }

    /// The texts at a name, each put together from its pieces; none where there are none.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let answers = self.ask(name, RecordType::TXT).await?;
        let texts = answers.iter().filter_map(|data| match data {
            RData::TXT(text) => {
                let bytes: Vec<u8> = text.txt_data.iter().flatten().copied().collect();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => None,
        });
        Ok(texts.collect())
    }

    /// Whether mail to a domain has a server that takes it.
    pub async fn takes_mail(&self, domain: &str) -> Result<bool, NoAnswer> {
        let answers = self.ask(domain, RecordType::MX).await?;
        Ok(!answers.is_empty())
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, NoAnswer> {
        // The dot at the end keeps the search list of the machine out.
        let name = format!("{}.", name.trim_end_matches('.'));
        match self.0.lookup(name.as_str(), kind).await {
            Ok(lookup) => Ok(lookup
                .answers()
                .iter()
                .map(|record| record.data.clone())
                .collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(no_answer(&error)),
        }
    }
}

fn no_answer(error: &NetError) -> NoAnswer {
    NoAnswer(error.to_string())
}

//! Signs letters, so that receivers know that the domain stands behind every word of them.
//!
//! The signature is made from the letter alone: the same letter gives the same bytes
//! at every attempt. It covers the headers of one-click unsubscribing, as RFC 8058 asks, and the
//! most misused headers once more than they occur, so that nobody can add a second `From` or
//! `Subject` to a signed letter.
//!
//! ring signs, in constant time; the `rsa` crate, which other signers use, leaks its key through
//! timing (RUSTSEC-2023-0071).
//!
//! Sources: RFC 6376 (DKIM), RFC 8301 (sha256, keys of 2048 bits), RFC 8463 (ed25519), RFC 8058 §4.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use crate::config::secrets::{self, ExposeSecret, SecretError};
use crate::config::smtp::{Dkim, DkimAlgorithm};

/// The headers that are signed when they are there.
const SIGNED: &[&str] = &[
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-ID",
    "Feedback-ID",
    "Auto-Submitted",
];

/// The headers that are signed once more than they occur: another one would break the signature.
const SEALED: &[&str] = &["From", "To", "Subject", "Date", "Reply-To"];

/// Characters of a signature in one line of the header.
const CHUNK: usize = 70;

/// Signs letters for one domain. Holds the private key; its `Debug` does not show it.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// Wraps an RSA public key (PKCS #1) into a SubjectPublicKeyInfo. Source: RFC 5280 §4.1, RFC 8017.
fn subject_public_key(pkcs1: &[u8]) -> Vec<u8> {
    /// The algorithm: rsaEncryption with no parameters.
    const ALGORITHM: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    // The leading zero says that no bit of the last byte is unused.
    let bits = der(0x03, &[&[0][..], pkcs1].concat());
    der(0x30, &[ALGORITHM, &bits].concat())
}

/// A DER value with its tag and its length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = vec![tag];
    if length < 0x80 {
        value.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[length.leading_zeros() as usize / 8..];
        value.push(0x80 | bytes.len() as u8);
        value.extend_from_slice(bytes);
    }
    value.extend_from_slice(content);
    value
}

/// Why letters cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    /// The file with the key cannot be read.
    #[error("the key of [smtp.dkim]: {0}")]
    File(#[from] SecretError),
    /// It is not a key of the kind that the settings name.
    #[error("{}: not a private key for {algorithm} ({reason})", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The kind.
        algorithm: &'static str,
        /// What the library says.
        reason: String,
    },
    /// The selector or the domain cannot stand in a header and in the DNS.
    #[error("\"{0}\" cannot be a selector or a domain that signs")]
    Name(String),
    /// The letter has no headers, or the library could not sign.
    #[error("the letter cannot be signed: {0}")]
    Sign(&'static str),
}

impl Signer {
    /// The signer of `[smtp.dkim]`. Relative files start at `home`; letters of `sender_domain` are
    /// signed by it unless the settings name another domain. Reads the key now.
    pub fn new(settings: &Dkim, home: &Path, sender_domain: &str) -> Result<Self, DkimError> {
        let domain = settings.domain.as_deref().unwrap_or(sender_domain);
        let path = home.join(&settings.key_file);
        let text = secrets::from_file(&path)?;
        let algorithm = match settings.algorithm {
            DkimAlgorithm::Rsa => "rsa",
            DkimAlgorithm::Ed25519 => "ed25519",
        };
        let wrong = |reason: String| DkimError::Key {
            path: path.clone(),
            algorithm,
            reason,
        };
        let der = PrivateKeyDer::from_pem_slice(text.expose_secret().as_bytes())
            .map_err(|error| wrong(error.to_string()))?;
        let key = match (settings.algorithm, &der) {
            (DkimAlgorithm::Rsa, PrivateKeyDer::Pkcs1(der)) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).map(|key| Key::Rsa(Box::new(key)))
            }
            (DkimAlgorithm::Rsa, PrivateKeyDer::Pkcs8(der)) => {
                RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map(|key| Key::Rsa(Box::new(key)))
            }
            (DkimAlgorithm::Ed25519, PrivateKeyDer::Pkcs8(der)) => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
                    .map(|key| Key::Ed25519(Box::new(key)))
            }
            _ => return Err(wrong("another kind of key".to_owned())),
        };
        Ok(Self {
            domain: name(domain)?,
            selector: name(&settings.selector)?,
            key: key.map_err(|error| wrong(error.to_string()))?,
        })
    }

    /// The name in the DNS under which the public key has to stand.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The public key as it stands in the record, in base64.
    ///
    /// Source: RFC 6376 §3.6.1 (RSA as SubjectPublicKeyInfo), RFC 8463 §4 (Ed25519 as it is).
    pub fn public_key(&self) -> String {
        match &self.key {
            Key::Rsa(key) => STANDARD.encode(subject_public_key(key.public_key().as_ref())),
            Key::Ed25519(key) => STANDARD.encode(key.public_key().as_ref()),
        }
    }

    /// The record that has to stand there.
    pub fn record(&self) -> String {
        let kind = match self.key {
            Key::Rsa(_) => "rsa",
            Key::Ed25519(_) => "ed25519",
        };
        format!("v=DKIM1; k={kind}; p={}", self.public_key())
    }

    /// The letter with its signature before it. The signature bears no time: that of the attempt
    /// would change the bytes, and the date of a letter may lie hours ahead of its sending, which
    /// verifiers take for a forgery.
    pub fn sign(&self, letter: &[u8]) -> Result<Vec<u8>, DkimError> {
        let text = std::str::from_utf8(letter).map_err(|_| DkimError::Sign("it is not text"))?;
        let (head, body) = text
            .split_once("\r\n\r\n")
            .ok_or(DkimError::Sign("it has no headers"))?;
        let headers = headers(head);
        let names = signed_names(&headers);
        let algorithm = match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let body_hash = STANDARD.encode(Sha256::digest(relaxed_body(body)));
        let lines: Vec<String> = names.chunks(4).map(|names| names.join(":")).collect();
        let value = format!(
            "v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={};\r\n s={};\r\n h={};\r\n \
             bh={body_hash};\r\n b=",
            self.domain,
            self.selector,
            lines.join(":\r\n  "),
        );
        let mut signed = String::new();
        for (name, value) in chosen(&headers, &names) {
            signed.push_str(&relaxed_header(name, value));
            signed.push_str("\r\n");
        }
        signed.push_str(&relaxed_header("DKIM-Signature", &value));
        let signature = STANDARD.encode(self.signature(signed.as_bytes())?);
        let mut whole = format!("DKIM-Signature: {value}").into_bytes();
        for (n, chunk) in signature.as_bytes().chunks(CHUNK).enumerate() {
            if n > 0 {
                whole.extend_from_slice(b"\r\n  ");
            }
            whole.extend_from_slice(chunk);
        }
        whole.extend_from_slice(b"\r\n");
        whole.extend_from_slice(letter);
        Ok(whole)
    }

    fn signature(&self, bytes: &[u8]) -> Result<Vec<u8>, DkimError> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                // The random numbers blind the computation; the signature is the same each time.
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    bytes,
                    &mut signature,
                )
                .map_err(|_| DkimError::Sign("ring refused"))?;
                Ok(signature)
            }
            // RFC 8463 §3 signs the hash of the headers, not the headers.
            Key::Ed25519(key) => Ok(key.sign(&Sha256::digest(bytes)).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}._domainkey.{})", self.selector, self.domain)
    }
}

/// A selector or a domain in A-labels.
fn name(text: &str) -> Result<String, DkimError> {
    let wrong = || DkimError::Name(text.to_owned());
    let ascii = idna::domain_to_ascii(text).map_err(|_| wrong())?;
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let fits = !ascii.is_empty() && ascii.len() <= 253 && ascii.chars().all(good);
    fits.then_some(ascii).ok_or_else(wrong)
}

/// Names and values, folded as they stand.
fn headers(head: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in head.split("\r\n") {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), headers.last_mut()) {
            value.push_str("\r\n");
            value.push_str(line);
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name, value.to_owned()));
        }
    }
    headers
}

/// The names for `h=`, those of the sealed headers once more than they occur.
fn signed_names(headers: &[(&str, String)]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in SIGNED {
        let occurs = |(other, _): &&(&str, String)| other.eq_ignore_ascii_case(name);
        let times = headers.iter().filter(occurs).count();
        let seal = usize::from(SEALED.contains(name));
        names.extend(std::iter::repeat_n(*name, times + seal));
    }
    names
}

/// The headers that names stand for: of several of one name the last comes first, and a name that
/// no header is left for stands for nothing. Source: RFC 6376 §5.4.2.
fn chosen<'h>(
    headers: &'h [(&'h str, String)],
    names: &[&str],
) -> impl Iterator<Item = (&'h str, &'h str)> {
    let mut left: Vec<&(&str, String)> = headers.iter().collect();
    let found: Vec<_> = names
        .iter()
        .filter_map(|name| {
            let at = left
                .iter()
                .rposition(|(other, _)| other.eq_ignore_ascii_case(name))?;
            let (name, value) = left.remove(at);
            Some((*name, value.as_str()))
        })
        .collect();
    found.into_iter()
}

/// Source: RFC 6376 §3.4.2.
fn relaxed_header(name: &str, value: &str) -> String {
    let unfolded = value.replace("\r\n", "");
    format!(
        "{}:{}",
        name.trim().to_ascii_lowercase(),
        single_spaced(&unfolded).trim()
    )
}

/// Source: RFC 6376 §3.4.4.
fn relaxed_body(body: &str) -> String {
    let mut relaxed = String::with_capacity(body.len());
    for line in body.split("\r\n") {
        relaxed.push_str(single_spaced(line).trim_end_matches(' '));
        relaxed.push_str("\r\n");
    }
    let end = relaxed.trim_end_matches("\r\n").len();
    relaxed.truncate(end);
    if end > 0 {
        relaxed.push_str("\r\n");
    }
    relaxed
}

/// Every run of spaces and tabs as one space.
fn single_spaced(line: &str) -> String {
    let mut single = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            ' ' | '\t' if single.ends_with(' ') => {}
            ' ' | '\t' => single.push(' '),
            c => single.push(c),
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_are_those_of_the_standard() {
        // Source: RFC 6376 §3.4.5, the second example.
        assert_eq!(relaxed_header("A", " X"), "a:X");
        assert_eq!(relaxed_header("B ", " Y\t\r\n\tZ  "), "b:Y Z");
        assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
        assert_eq!(relaxed_body(""), "");
        assert_eq!(relaxed_body("\r\n\r\n"), "");
        assert_eq!(relaxed_body("a"), "a\r\n");
    }

    #[test]
    fn of_several_headers_the_last_is_signed_first() {
        let all = headers("From: a\r\nX: 1\r\nfrom: b\r\n c");
        assert_eq!(all[2].1, " b\r\n c");
        let names = ["From", "From", "From"];
        let chosen: Vec<_> = chosen(&all, &names).map(|(_, value)| value).collect();
        assert_eq!(chosen, [" b\r\n c", " a"]);
        assert_eq!(
            signed_names(&all)
                .iter()
                .filter(|name| **name == "From")
                .count(),
            3
        );
    }
}

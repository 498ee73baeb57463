//! Raw HTTP: a client library would refuse to send most of these requests.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use anyhow::{Context as _, Result, ensure};
use bonafide_tools::WAIT_LIMIT;

/// The answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The headers, by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Sends a head and a body, and reads until the server closes the connection. `is_all` ends the request, so that the server does not wait
/// for more.
pub(crate) fn exchange(authority: &str, head: &[u8], body: &[u8], is_all: bool) -> Result<Answer> {
    let mut stream = TcpStream::connect(authority).context("connect")?;
    stream.set_read_timeout(Some(WAIT_LIMIT))?;
    stream.set_write_timeout(Some(WAIT_LIMIT))?;
    // A server that refuses a request by its head does not read its body.
    let sent = stream.write_all(head).and_then(|()| stream.write_all(body));
    if is_all {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() || error.kind() != ErrorKind::ConnectionReset => {
            return Err(error).context("read");
        }
        Ok(_) | Err(_) => {}
    }
    ensure!(!bytes.is_empty(), "closed without an answer ({sent:?})");
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").context("an answer without an end of its head")?;
    let (head, body) = (std::str::from_utf8(&bytes[..end])?, &bytes[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let status = status.context("an answer without a status")?;
    if status == 100 {
        return parse(body);
    }
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        joined(body)?
    } else {
        body.to_vec()
    };
    Ok(Answer { status, headers, body })
}

fn joined(mut chunks: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|part| part == b"\r\n").context("a chunk without a length")?;
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end])?, 16)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend(chunks.get(end + 2..end + 2 + length).context("a chunk that breaks off")?);
        chunks = chunks.get(end + 4 + length..).context("chunks that break off")?;
    }
}

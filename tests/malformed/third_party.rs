//! A licence verification service that sends malformed answers, selected by the licence number.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::package::MARKER;

/// Its reaction to a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends the first bytes once and the others repeatedly until the client closes the connection.
    Forever(Vec<u8>, Vec<u8>, Duration),
}

/// All answers, each with its name.
pub(crate) fn answers() -> Vec<(&'static str, Answer)> {
    let whole = |head: &str, body: &[u8]| {
        Answer::Bytes([format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat())
    };
    let ok = |body: &[u8]| whole("200 OK\r\ncontent-type: application/json", body);
    let forever = |head: &str, again: &[u8], pause| Answer::Forever(head.as_bytes().to_vec(), again.to_vec(), pause);
    let html = format!("<html><body>{MARKER} true</body></html>");
    let slowly = Duration::from_millis(900);
    // A gzip header and much data: the reader must not decompress it.
    let gzip = [&b"\x1F\x8B\x08\0\0\0\0\0\x02\x03"[..], &vec![0; 60_000]].concat();
    vec![
        ("NaN", ok(b"NaN")),
        ("null", ok(b"null")),
        ("1", ok(b"1")),
        ("a text", ok(b"\"true\"")),
        ("True", ok(b"True")),
        ("TRUE", ok(b"TRUE")),
        ("an object", ok(b"{\"valid\":true}")),
        ("an array", ok(b"[true]")),
        ("true twice", ok(b"true true")),
        ("true and a comma", ok(b"true,")),
        ("true and a NUL", ok(b"true\0")),
        ("true after a form feed", ok(b"\x0Ctrue")),
        ("true with a byte order mark", ok(b"\xEF\xBB\xBFtrue")),
        ("UTF-16", whole("200 OK\r\ncontent-type: application/json; charset=utf-16", b"t\0r\0u\0e\0")),
        ("nothing", ok(b"")),
        ("HTML", whole("200 OK\r\ncontent-type: text/html", html.as_bytes())),
        ("ten megabytes", ok(&vec![b' '; 10 * 1024 * 1024])),
        ("compressed", whole("200 OK\r\ncontent-encoding: gzip", &gzip)),
        ("redirect", whole("302 Found\r\nlocation: http://127.0.0.1:1/license", b"true")),
        ("permanent redirect", whole("308 Permanent Redirect\r\nlocation: /license", b"true")),
        ("no content", whole("204 No Content", b"")),
        ("created", whole("201 Created", b"true")),
        ("teapot", whole("418 I'm a teapot", MARKER.as_bytes())),
        ("error with the body true", whole("500 Internal Server Error", b"true")),
        ("an unknown status", whole("999 Beyond", b"true")),
        ("no HTTP", Answer::Bytes(MARKER.as_bytes().to_vec())),
        ("HTTP/0.9", Answer::Bytes(b"true".to_vec())),
        ("closed", Answer::Bytes(Vec::new())),
        ("breaks off", Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ntrue".to_vec())),
        (
            "two lengths",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 9\r\n\r\ntrue".to_vec()),
        ),
        ("a length below zero", Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\ntrue".to_vec())),
        (
            "no chunk",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\ntrue\r\n0\r\n\r\n".to_vec()),
        ),
        (
            "a chunk of the largest length",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\ntrue".to_vec()),
        ),
        (
            "headers forever",
            forever("HTTP/1.1 200 OK\r\n", format!("x-{MARKER}: {}\r\n", "a".repeat(1_000)).as_bytes(), Duration::ZERO),
        ),
        (
            "chunks forever",
            forever("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\n    \r\n", Duration::ZERO),
        ),
        ("promises forever", forever("", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::from_millis(50))),
        ("slow drip", forever("HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n", b" ", slowly)),
        ("slow headers", forever("HTTP/1.1 200 OK\r\n", b"a", slowly)),
        ("silence", forever("", b"", slowly)),
    ]
}

/// The licence number that selects an answer.
pub(crate) fn number(index: usize) -> String {
    format!("H{index:03}-172-80-000-0")
}

/// Serves for as long as the process lives; returns the address.
pub(crate) fn serve() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || drop(answer(connection)));
        }
    });
    Ok(address)
}

fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"}") {
        match connection.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let asked = answers().into_iter().enumerate().find(|(index, _)| request.contains(&number(*index)));
    match asked.map(|(_, (_, answer))| answer) {
        None => connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue"),
        Some(Answer::Bytes(bytes)) => connection.write_all(&bytes),
        Some(Answer::Forever(head, again, pause)) => {
            connection.write_all(&head)?;
            // Longer than any worker waits.
            for _ in 0..400 {
                connection.write_all(&again)?;
                thread::sleep(pause.max(Duration::from_millis(1)));
            }
            Ok(())
        }
    }
}

//! A fake of the national registry with configurable answers, which records the requests.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An address, with the requests that were sent to it.
#[derive(Clone)]
pub(crate) struct Fake {
    /// `http://127.0.0.1:<port>`
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Reads the request of each connection and then calls `answer`.
    pub(crate) async fn serve<A: Future<Output = ()> + Send>(
        answer: impl Fn(TcpStream) -> A + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Self { address, asked: Arc::default() };
        let asked = Arc::clone(&fake.asked);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read(&mut stream).await;
                asked.lock().expect("a list").push(request);
                answer(stream).await;
            }
        });
        fake
    }

    /// Answers every request with this status, these headers (each with its line end) and this body.
    pub(crate) async fn answering(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        Self::sending(answer).await
    }

    /// Answers every request with these bytes, and closes the connection.
    pub(crate) async fn sending(answer: String) -> Self {
        let answer: Arc<str> = answer.into();
        Self::serve(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move { stream.write_all(answer.as_bytes()).await.expect("sent") }
        })
        .await
    }

    /// All requests, head and body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a list").clone()
    }
}

/// Reads a request with its whole body.
async fn read(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    loop {
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
                return request;
            }
        }
        let mut chunk = vec![0; 4096];
        let length = stream.read(&mut chunk).await.expect("a request");
        assert!(length > 0, "the request ended early");
        request.push_str(std::str::from_utf8(&chunk[..length]).expect("ASCII"));
    }
}

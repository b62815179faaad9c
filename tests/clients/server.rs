//! A server on loopback that speaks HTTP by hand, because a proper server library would refuse to cut an answer
//! in the middle. What it answers is up to each test's script.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn page(&self) -> usize {
        let (_, rest) = self.body.split_once("&page=").unwrap();
        rest.split('&').next().and_then(|page| page.parse().ok()).unwrap()
    }
}

/// What a server answers.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: String,
    body: Vec<u8>,
    /// How many bytes of the body are really sent before the connection is closed.
    sent: usize,
    after: Duration,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, headers: String::new(), sent: body.len(), body, after: Duration::ZERO }
    }

    pub fn header(mut self, line: &str) -> Self {
        self.headers.push_str(line);
        self.headers.push_str("\r\n");
        self
    }

    /// The same, compressed.
    pub fn gzipped(mut self) -> Self {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&self.body).unwrap();
        self.body = encoder.finish().unwrap();
        self.sent = self.body.len();
        self.header("content-encoding: gzip")
    }

    pub fn cut(mut self) -> Self {
        self.sent /= 2;
        self
    }

    pub fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

/// A server on loopback; it answers each request with what the script makes of it and of how many came before.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub most_at_once: Arc<AtomicUsize>,
}

impl Server {
    pub async fn start(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, most_at_once) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (script, at_once) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
        let (log, most) = (Arc::clone(&asked), Arc::clone(&most_at_once));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, at_once) = (Arc::clone(&script), Arc::clone(&at_once));
                let (log, most) = (Arc::clone(&log), Arc::clone(&most));
                tokio::spawn(async move {
                    let Some((mut stream, request)) = hear(stream).await else { return };
                    most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    let reply = script(&request, number);
                    tokio::time::sleep(reply.after).await;
                    at_once.fetch_sub(1, Ordering::SeqCst);
                    let head = format!(
                        "HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n",
                        reply.status,
                        reply.body.len(),
                        reply.headers
                    );
                    let _ = stream.write_all(head.as_bytes()).await;
                    let _ = stream.write_all(&reply.body[..reply.sent]).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, asked, most_at_once }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn pages_asked(&self) -> Vec<usize> {
        let mut pages: Vec<_> = self.asked().iter().map(Asked::page).collect();
        pages.sort_unstable();
        pages
    }
}

async fn hear(mut stream: TcpStream) -> Option<(TcpStream, Asked)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0_usize) {
                return Some((stream, Asked { head: head.to_owned(), body: body.to_owned() }));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

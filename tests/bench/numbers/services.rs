//! Both services, as quick as can be: Mixpanel's answers lie ready in memory, and what comes for mParticle is read to its
//! end, counted and taken. Whatever is measured against them is hardly slowed down by them.

use crate::pages;
use crate::people::People;
use bytes::Bytes;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Requests at once.
pub const CONNECTIONS: usize = 16;

/// The cohort that they know.
pub const COHORT: u64 = 1000;

/// The services at work, until this is dropped.
pub struct Services {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Shared {
    pages: RwLock<Arc<Vec<Bytes>>>,
    posted: AtomicU64,
    posted_bytes: AtomicU64,
}

impl Services {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let shared = Arc::new(Shared::default());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&served);
                // A connection that ends in the middle of a request is the other side's to report.
                tokio::spawn(async move { drop(serve(stream, &shared).await) });
            }
        });
        Self { address, shared, _runtime: runtime }
    }

    /// Who is in the cohort from now on.
    pub fn hold(&self, people: &People) {
        *self.shared.pages.write().unwrap() = Arc::new(pages::of(people));
    }

    /// Requests for mParticle so far, and the bytes of their bodies.
    pub fn posted(&self) -> (u64, u64) {
        (self.shared.posted.load(Ordering::Relaxed), self.shared.posted_bytes.load(Ordering::Relaxed))
    }

    pub fn feed_url(&self) -> String {
        format!("http://{}/v1/pdf/mixpanelcohorts/bench-token", self.address)
    }

    /// Writes a configuration that leads here.
    pub fn configure(&self, path: &Path) {
        let text = format!(
            "[mixpanel]\nproject_id = 1\nservice_account = \"bench\"\nsecret = \"bench\"\nbase_url = \"http://{}\"\n\
             [mparticle]\nwebhook_url = \"{}\"\n[sync]\nmax_concurrent_requests = {CONNECTIONS}\n",
            self.address,
            self.feed_url()
        );
        std::fs::write(path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// Answers one request after the other of a connection.
async fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    let (mut head, mut body) = (Vec::new(), Vec::new());
    loop {
        head.clear();
        if !read_head(&mut stream, &mut head).await? {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
        body.resize(length.map_or(0, |length| length.trim().parse().unwrap()), 0);
        stream.read_exact(&mut body).await?;
        let answer = answer(&text, &body, shared);
        let (status, kind) =
            if answer.is_empty() { ("202 Accepted", "text/plain") } else { ("200 OK", "application/json") };
        let length = answer.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        let stream = stream.get_mut();
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&answer).await?;
    }
}

/// Reads up to the empty line; false where the connection ended before another request.
async fn read_head(stream: &mut BufReader<TcpStream>, head: &mut Vec<u8>) -> std::io::Result<bool> {
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return Ok(false) };
        head.push(byte);
    }
    Ok(true)
}

fn answer(head: &str, body: &[u8], shared: &Shared) -> Bytes {
    if head.contains("/cohorts/list") {
        let list = format!(r#"[{{"id":{COHORT},"name":"Power users","count":1,"is_visible":1}}]"#);
        return Bytes::from(list);
    }
    if head.contains("/engage") {
        let number = form_urlencoded::parse(body)
            .find(|(name, _)| name == "page")
            .unwrap()
            .1
            .parse::<usize>()
            .unwrap();
        return shared.pages.read().unwrap().get(number).cloned().unwrap_or_else(|| pages::none(number));
    }
    shared.posted.fetch_add(1, Ordering::Relaxed);
    shared.posted_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    Bytes::new()
}

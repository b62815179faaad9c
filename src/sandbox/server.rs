//! The HTTP server. Owns connections, reading a request to its end, and telling whose request it is; answering is left to
//! the services.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::mparticle::Door;
use super::parameters::Received;
use super::reply::{Reply, ReplyBody};
use super::state::Shared;
use super::{inspect, mixpanel, mparticle};

/// Far above what the services take: their own limits must answer, not this one. Cohorts of tests can be large.
const LARGEST_BODY: usize = 512 * 1024 * 1024;

/// How long a connection may be idle, as usual among servers. A request that leaves just then is cut.
const IDLE: Duration = Duration::from_mins(1);

/// Serves until it is dropped, and its connections with it.
pub(super) async fn accept_connections(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve_connection(stream, peer, Arc::clone(&shared)));
                }
                // Too many open files pass; a loop without a pause would only make it worse.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    if !peer.ip().is_loopback() || stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| handle(request, &shared));
    // An error here is a client that went away or a connection that the script cut; both are expected.
    let _expected = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(request: Request<Incoming>, shared: &Arc<Shared>) -> io::Result<Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Reply::empty(413).into_response();
    };
    let received = Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    answer(shared, &received).await.into_response()
}

async fn answer(shared: &Arc<Shared>, received: &Received) -> Reply {
    let path = received.path.as_str();
    if path.starts_with("/api/query/") {
        mixpanel::answer(shared, received).await
    } else if let Some(token) = path.strip_prefix("/v1/pdf/mixpanelcohorts/") {
        mparticle::answer(shared, received, Door::Feed(token.to_owned())).await
    } else if path == "/v2/bulkevents" {
        mparticle::answer(shared, received, Door::Events).await
    } else if let Some(rest) = path.strip_prefix("/userprofile/v1/") {
        mparticle::lookups::answer(shared, received, rest).await
    } else if path == "/oauth/token" {
        mparticle::lookups::answer_token(shared, received).await
    } else if let Some(rest) = path.strip_prefix("/sandbox/") {
        inspect::answer(shared, received, rest)
    } else {
        Reply::empty(404)
    }
}

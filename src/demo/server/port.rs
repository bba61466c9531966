//! A port of loopback with an API behind it: connections, and outages that close them all. What is answered is not known here.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use super::reply::Reply;

/// What answers behind a port.
pub trait Served: Send + Sync + 'static {
    /// Tells how long the port is away, each time it is told.
    fn outage(&self) -> watch::Receiver<Duration>;

    /// The answer to a request; `reset` resets the connection.
    fn respond(self: Arc<Self>, request: Request<Incoming>, reset: &Notify) -> impl Future<Output = Reply> + Send;
}

/// Binds a port of loopback; 0 takes a free one.
///
/// # Errors
/// When the port is taken.
pub async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Serves an API until the task is dropped. An outage closes the port and every connection, and opens it again later.
pub async fn serve<S: Served>(api: Arc<S>, mut listener: TcpListener) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let mut outage = api.outage();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept fails when a client has gone again already: nothing is lost.
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(connection(api.clone(), stream));
                }
            }
            told = outage.changed() => {
                if told.is_err() {
                    return Ok(());
                }
                let away = *outage.borrow_and_update();
                drop(listener);
                tokio::time::sleep(away).await;
                listener = rebind(port).await;
            }
        }
    }
}

async fn rebind(port: u16) -> TcpListener {
    loop {
        match bind(port).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection<S: Served>(api: Arc<S>, stream: TcpStream) {
    let mut outage = api.outage();
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let (api, reset) = (api.clone(), reset.clone());
        async move { Ok::<_, Infallible>(api.respond(request, &reset).await) }
    });
    let mut connection =
        pin!(hyper::server::conn::http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A connection ends with an error when the client goes away: there is nobody left to tell.
        _ = connection.as_mut() => {}
        _ = outage.changed() => {}
        () = reset.notified() => {}
    }
}

//! The question of a probe that has no shell and no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Asks the process that listens there; what it says.
///
/// # Errors
/// It says no, or nobody answers within five seconds.
pub async fn ask(listen: &str, path: &str) -> anyhow::Result<String> {
    let address = reachable(listen).await?;
    let asked = timeout(PATIENCE, exchange(address, path));
    let answer = asked.await.with_context(|| format!("no answer from {address}"))?;
    let answer = answer.with_context(|| format!("ask {address}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) != Some("200") {
        bail!("{}", body.trim());
    }
    Ok(body.trim().to_owned())
}

/// Where to connect to reach who listens on all addresses.
async fn reachable(listen: &str) -> anyhow::Result<SocketAddr> {
    let context = || format!("http.listen: found {listen:?}, allowed an address and a port");
    let mut address =
        lookup_host(listen).await.with_context(context)?.next().with_context(context)?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}

async fn exchange(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    // In this version the server closes when it has answered.
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
    Ok(answer)
}

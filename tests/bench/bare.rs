//! The floor of a read: an actix handler that has the bytes already.

use std::net::SocketAddr;

use actix_web::http::header::{HeaderName, HeaderValue, IF_NONE_MATCH};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use clap::Args;

use crate::Done;
use crate::load::Connection;
use crate::process::get;

/// A server with one answer.
#[derive(Args)]
pub struct Bare {
    #[arg(long, env = "BIND_ADDR")]
    bind_addr: SocketAddr,
    #[arg(long)]
    workers: usize,
    /// The server whose answer to give
    #[arg(long, requires = "path")]
    like: Option<SocketAddr>,
    /// What to ask it for
    #[arg(long)]
    path: Option<String>,
}

/// Headers and bytes to be served.
#[derive(Default)]
struct Copied {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

pub async fn serve(bare: Bare) -> Done<()> {
    let copied = match (bare.like, bare.path) {
        (Some(address), Some(path)) => copy(address, &path).await?,
        _ => Copied::default(),
    };
    let copied = Data::new(copied);
    let app = move || App::new().app_data(copied.clone()).default_service(web::get().to(answer));
    HttpServer::new(app).workers(bare.workers).bind(bare.bind_addr)?.run().await?;
    Ok(())
}

/// All headers but those that every server of this kind writes by itself.
async fn copy(address: SocketAddr, path: &str) -> Done<Copied> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(&get(path, "")).await?;
    if answer.status != 200 {
        return Err(answer.text().into());
    }
    let mut headers = Vec::new();
    for line in std::str::from_utf8(answer.head)?.lines().skip(1) {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if !["content-length", "date"].contains(&name) {
            headers.push((name.parse()?, value.parse()?));
        }
    }
    Ok(Copied { headers, body: answer.body.to_vec().into() })
}

async fn answer(request: HttpRequest, copied: Data<Copied>) -> HttpResponse {
    let unchanged = request.headers().contains_key(IF_NONE_MATCH);
    let mut answer = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    for header in &copied.headers {
        if !(unchanged && header.0 == "content-type") {
            answer.insert_header(header.clone());
        }
    }
    if unchanged { answer.finish() } else { answer.body(copied.body.clone()) }
}

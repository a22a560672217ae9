//! The OpenAPI document: collected from the operations, finished by rules that hold for all of them,
//! and served together with its Swagger UI.

mod down;
mod finish;

use std::sync::OnceLock;

use actix_web::http::header::ALLOW;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use down::to_3_0;

use crate::kernel::problem::Code;
use crate::kernel::routes::Routes;
use crate::routes;

/// The whole contract, the sandbox's operations included, as OpenAPI 3.1.
pub fn document() -> Value {
    finish::finish(collect(true))
}

fn collect(sandbox: bool) -> OpenApi {
    let app = actix_web::App::new().into_utoipa_app();
    let described = |config: &mut ServiceConfig<'_>| {
        routes::routes(Routes::Describing(config), sandbox);
    };
    app.configure(described).split_for_parts().1
}

/// The documents as they are served: made when somebody first asks, for nothing else that a server does
/// takes as long to begin, or as much memory.
pub struct Served {
    sandbox: bool,
    made: OnceLock<Made>,
}

struct Made {
    v3_1: Bytes,
    v3_0: Bytes,
    /// Path templates and the methods they know, to tell 405 from 404.
    paths: Vec<(Vec<String>, String)>,
}

impl Served {
    /// Of a server with the sandbox's operations, or without.
    pub fn new(sandbox: bool) -> Self {
        Self { sandbox, made: OnceLock::new() }
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| Made::of(collect(self.sandbox)))
    }
}

impl Made {
    fn of(collected: OpenApi) -> Self {
        let document = finish::finish(collected);
        let bytes = |value: &Value| Bytes::from(serde_json::to_vec(value).unwrap_or_default());
        let mut paths = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let methods = item.as_object().into_iter().flat_map(|item| item.keys());
            let methods: Vec<_> = methods.map(|method| method.to_uppercase()).collect();
            paths.push((path.split('/').map(str::to_owned).collect(), methods.join(", ")));
        }
        Self { v3_0: bytes(&to_3_0(&document)), v3_1: bytes(&document), paths }
    }

    /// The methods that a concrete path knows, if it is one of ours.
    fn methods(&self, path: &str) -> Option<&str> {
        let parts: Vec<_> = path.split('/').collect();
        let fits = |template: &[String]| {
            template.len() == parts.len()
                && template.iter().zip(&parts).all(|(t, part)| t.starts_with('{') || t == part)
        };
        let found = self.paths.iter().find(|(template, _)| fits(template));
        found.map(|(_, methods)| methods.as_str())
    }
}

/// The documents, the page that shows them, the problem table, and the answer to any other path.
pub fn routes(config: &mut web::ServiceConfig, served: &Data<Served>) {
    let docs = SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json"));
    config
        .route("/openapi.json", web::get().to(serve_3_1))
        .route("/openapi-3.0.json", web::get().to(serve_3_0))
        .route("/healthz", web::get().to(health))
        .route("/readyz", web::get().to(ready))
        .route("/problems/{code}", web::get().to(explain))
        .route("/docs", web::get().to(to_docs))
        .service(docs)
        .app_data(served.clone())
        .default_service(web::to(nothing_here));
}

async fn serve_3_1(served: Data<Served>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(served.made().v3_1.clone())
}

async fn serve_3_0(served: Data<Served>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(served.made().v3_0.clone())
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header(("Location", "/docs/")).finish()
}

/// The process runs.
async fn health() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// The process can serve: its database answers.
async fn ready(
    app: Data<crate::app::App>,
) -> Result<HttpResponse, crate::kernel::problem::Problem> {
    crate::kernel::db::number(app.db.read(), "SELECT CAST(1 AS BIGINT)", []).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ok" })))
}

/// What a problem's `type` leads to.
async fn explain(request: HttpRequest) -> Result<HttpResponse, crate::kernel::problem::Problem> {
    let word = request.match_info().get("code").unwrap_or_default();
    let code = Code::ALL.iter().find(|code| code.as_str() == word).ok_or(Code::NotFound)?;
    Ok(HttpResponse::Ok().json(serde_json::json!({
        "code": code.as_str(),
        "status": code.status(),
        "title_zh": code.title(false),
        "title_en": code.title(true),
        "advice": code.advice(),
    })))
}

/// 405 with `Allow` on a path that is ours, else 404.
async fn nothing_here(request: HttpRequest, served: Data<Served>) -> HttpResponse {
    match served.made().methods(request.path()) {
        Some(methods) => HttpResponse::MethodNotAllowed().insert_header((ALLOW, methods)).finish(),
        None => HttpResponse::NotFound().finish(),
    }
}

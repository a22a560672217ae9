//! `GET /v1/regions/{region}/rankings/{period}`: a board, served as ready bytes.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use super::board::{Asked, Board, Of, made, version};
use super::source::category;
use crate::app::App;
use crate::calendar;
use crate::http::{Query, identify, path_part, public_json, read_query, request_id};
use crate::kernel::cache::Shared;
use crate::kernel::period::Period;
use crate::kernel::problem::Outcome;
use crate::kernel::region::RegionCode;
use crate::rules::Category;

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BoardQuery {
    #[serde(default)]
    #[param(required = false)]
    of: Of,
    /// Only points of this category; households without any entry in it are not ranked.
    #[param(nullable = false, required = false, value_type = Category)]
    category: Option<String>,
}

impl BoardQuery {
    fn asked(self, region: RegionCode, period: Period) -> Outcome<Asked> {
        Ok(Asked { region, period, of: self.of, category: category(self.category.as_deref())? })
    }
}

/// A region's board of a week, month, quarter or year, or of all time
#[utoipa::path(tag = "rankings", operation_id = "rankings_show",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"),
        ("period" = Period, Path, description = "Week, month, quarter, year, or `all` since the beginning"),
        BoardQuery),
    responses((status = 200, body = Board)), extensions(("x-codes" = json!("invalid_field"))))]
#[get("/v1/regions/{region}/rankings/{period}")]
async fn show_board(
    request: HttpRequest,
    query: Query<BoardQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let period: Period = path_part(&request, "period")?;
    let asked = query.0.asked(region, period)?;
    let (key, of) = (asked.to_string(), format!("region:{}", asked.region));
    let shared = Shared { key: &key, of: &of };
    let ready = app.cache.ready(shared, version(&app, &asked.region), made(&app, &asked)).await?;
    Ok(public_json(&request, &ready))
}

/// Answers before anything else where the board is at hand: on Monday morning all of a village read it, and
/// finding the way to it takes longer than giving it.
pub async fn at_hand_first<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    match at_hand(request.request()).await {
        Some(mut board) => {
            identify(board.headers_mut(), request_id(&request));
            Ok(request.into_response(board).map_into_right_body())
        }
        None => Ok(next.call(request).await?.map_into_left_body()),
    }
}

async fn at_hand(request: &HttpRequest) -> Option<HttpResponse> {
    let behind =
        request.path().strip_prefix("/v1/regions/").filter(|_| request.method() == Method::GET)?;
    let (region, period) = behind.split_once("/rankings/")?;
    let query: BoardQuery = match request.query_string() {
        "" => BoardQuery::default(),
        query => read_query(query).ok()?,
    };
    let asked = query.asked(region.parse().ok()?, period.parse().ok()?).ok()?;
    let app = request.app_data::<Data<App>>().filter(|app| !calendar::is_due(app))?;
    Some(public_json(request, &app.cache.at_hand(&asked.to_string()).await?))
}

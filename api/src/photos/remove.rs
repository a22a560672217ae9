//! `DELETE …/photos/{photo}`: a photo that no claim uses is taken back.

use actix_web::web::Data;
use actix_web::{HttpRequest, delete};
use sea_orm::Value;

use super::show::visible;
use super::upload::Photo;
use crate::app::App;
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Take back a photo of one's own that no claim uses
#[utoipa::path(tag = "photos", operation_id = "photos_delete", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("photo" = Uuid, Path, description = "The photo's id")),
    responses((status = 200, body = Photo, description = "The photo that is gone")),
    extensions(("x-codes" = json!("role_required wrong_state"))))]
#[delete("/v1/villages/{village}/photos/{photo}")]
async fn delete_photo(
    by: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Photo>> {
    let id = path_id(&request, "photo")?;
    let deleted = app.db.write(async |tx| {
        let photo = visible(tx, &by, id).await?;
        if photo.uploaded_by != by.person {
            return Err(Code::RoleRequired.into());
        }
        let sql = "DELETE FROM photos WHERE village = $1 AND id = $2 AND NOT used";
        let key: [Value; 2] = [(&by.village).into(), id.into()];
        if db::run(tx, sql, key).await? == 0 {
            return Err(Refusal::wrong_state("used").into());
        }
        // Before the commit: a row without its picture can be deleted again, a picture without its row
        // is found by nobody.
        app.photos.remove(std::slice::from_ref(&photo.name)).await?;
        Ok(photo)
    });
    Ok(Answer::ok(deleted.await?.into()))
}

//! A photo that was uploaded as evidence (佐证照片); the picture lies in the object store.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "photos")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub uploaded_by: Uuid,
    /// Where it lies in the object store: the day and a random name.
    pub name: String,
    pub media: String,
    /// Pixels, as stored.
    pub width: i64,
    pub height: i64,
    pub bytes: i64,
    /// Hex SHA-256 of the upright pixels.
    pub pixels: String,
    /// Sixteen hex digits: near pictures differ in few bits.
    pub likeness: String,
    /// What the camera's clock said.
    pub taken_at: Option<i64>,
    /// Whether a claim uses it.
    pub used: bool,
    pub uploaded_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}

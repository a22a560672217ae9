//! Where pictures lie: a folder, or a bucket of S3. A name is the day and 128 random bits; nobody is
//! told it.

use std::sync::Arc;

use actix_web::web::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};

/// The store of pictures.
pub struct Photos {
    store: Arc<dyn ObjectStore>,
    /// What all names begin with.
    under: Path,
}

impl Photos {
    /// Opens `file://folder`, which is made if it is not there, or `s3://bucket/prefix`.
    pub fn open(url: &str) -> Result<Self, Box<dyn std::error::Error>> {
        if let Some(folder) = url.strip_prefix("file://").filter(|folder| !folder.is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("PHOTOS_URL: cannot make {folder}: {error}"))?;
            // What was answered for is on the disk.
            let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
            let store = Arc::new(store.with_automatic_cleanup(true));
            return Ok(Self { store, under: Path::default() });
        }
        if let Some(rest) = url.strip_prefix("s3://") {
            return s3(rest);
        }
        Err("PHOTOS_URL must be file://folder or s3://bucket/prefix".into())
    }

    /// Keeps a picture; returns the name it got.
    pub async fn put(&self, jpeg: Vec<u8>, now: Instant) -> Outcome<String> {
        let name = format!("{}/{}.jpg", now.day(), Uuid::new_v4().simple());
        self.store.put(&self.at(&name), jpeg.into()).await.map_err(unwell)?;
        Ok(name)
    }

    /// The picture of this name.
    ///
    /// # Errors
    /// `not_found` if it is gone.
    pub async fn get(&self, name: &str) -> Outcome<Bytes> {
        let read = async { self.store.get(&self.at(name)).await?.bytes().await };
        read.await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => Code::NotFound.into(),
            error => unwell(error),
        })
    }

    /// Removes pictures; those that are gone already are no error.
    pub async fn remove(&self, names: &[String]) -> Outcome<()> {
        let names: Vec<_> = names.iter().map(|name| Ok(self.at(name))).collect();
        let mut removed = self.store.delete_stream(futures::stream::iter(names).boxed());
        while let Some(done) = removed.next().await {
            match done {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(unwell(error)),
            }
        }
        Ok(())
    }

    /// The names of all pictures of a day, written `2024-09-24`.
    pub async fn of_day(&self, day: &str) -> Outcome<Vec<String>> {
        let under = self.at(day);
        let objects: Vec<_> = self.store.list(Some(&under)).try_collect().await.map_err(unwell)?;
        let name = |file: &str| format!("{day}/{file}");
        Ok(objects.iter().filter_map(|it| it.location.filename().map(name)).collect())
    }

    fn at(&self, name: &str) -> Path {
        name.split('/').fold(self.under.clone(), |path, part| path.join(part))
    }
}

#[cfg(feature = "s3")]
fn s3(rest: &str) -> Result<Photos, Box<dyn std::error::Error>> {
    let (bucket, under) = rest.split_once('/').unwrap_or((rest, ""));
    let store = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
    Ok(Photos { store: Arc::new(store), under: Path::parse(under)? })
}

#[cfg(not(feature = "s3"))]
fn s3(_: &str) -> Result<Photos, Box<dyn std::error::Error>> {
    Err("PHOTOS_URL: this program was built without the feature `s3`".into())
}

/// The disk is full, or the bucket does not answer.
fn unwell(error: object_store::Error) -> Problem {
    tracing::error!(cause = %error, "the store of photos does not do as asked");
    Refusal { retry_after: Some(5), ..Code::Busy.into() }.into()
}

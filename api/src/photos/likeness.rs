//! How alike pictures look: 64 bits that say, for each of 8 × 8 places, whether it gets brighter to the
//! right (dHash). Packed anew, resized or slightly cropped, a picture keeps most of them.

use image::RgbImage;
use image::imageops::thumbnail;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Pictures that differ in more bits are not alike.
const BITS_MAX: u32 = 10;
/// At most so many are compared, newest first.
const COMPARED_MAX: i64 = 200;

/// The 64 bits of a picture, in hex.
pub fn likeness(picture: &RgbImage) -> String {
    let small = thumbnail(picture, 9, 8);
    let brightness = |x, y| {
        let [red, green, blue] = small.get_pixel(x, y).0.map(u32::from);
        red * 299 + green * 587 + blue * 114
    };
    let places = (0..8).flat_map(|y| (0..8).map(move |x| (x, y)));
    let bits = places
        .fold(0_u64, |bits, (x, y)| bits << 1 | u64::from(brightness(x, y) < brightness(x + 1, y)));
    format!("{bits:016x}")
}

/// A photo that looks like another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Similar {
    pub id: Uuid,
    pub uploaded_by: Uuid,
    /// In how many of 64 bits they differ: 0 to 10.
    pub bits: u32,
}

/// Photos of the village that look like this one, the likest first; of a plain surface there are none,
/// for all plain surfaces are alike.
///
/// Four indexes of sixteen bits each find whatever agrees with one of the four parts but for one bit:
/// all that differ in up to seven bits, and most of those that differ in a few more.
pub async fn similar(
    on: &impl ConnectionTrait,
    village: &Village,
    photo: Uuid,
) -> Outcome<Vec<Similar>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        uploaded_by: Uuid,
        likeness: String,
    }
    let sql = "SELECT id, uploaded_by, likeness FROM photos WHERE village = $1 AND id = $2";
    let own = db::one::<Row>(on, sql, [village.into(), photo.into()]).await?;
    let bits = own.and_then(|row| u64::from_str_radix(&row.likeness, 16).ok());
    let Some(bits) = bits.filter(|bits| !is_plain(*bits)) else { return Ok(Vec::new()) };
    let (mut values, mut parts): (Vec<Value>, _) = (vec![village.into(), photo.into()], Vec::new());
    for (at, shift) in [48, 32, 16, 0].into_iter().enumerate() {
        let words = near((bits >> shift & 0xFFFF) as u16);
        let places = (values.len() + 1..).take(words.len()).map(|place| format!("${place}"));
        let places = places.collect::<Vec<_>>().join(", ");
        parts.push(format!(
            "SELECT id, uploaded_by, likeness FROM photos WHERE village = $1 AND id <> $2 \
             AND substr(likeness, {}, 4) IN ({places})",
            at * 4 + 1
        ));
        values.extend(words.into_iter().map(|word| Value::from(format!("{word:04x}"))));
    }
    values.push(COMPARED_MAX.into());
    let limit = format!(" ORDER BY id DESC LIMIT ${}", values.len());
    let rows = db::all::<Row>(on, &(parts.join(" UNION ") + &limit), values).await?;
    let compared = rows.into_iter().filter_map(|row| {
        let other = u64::from_str_radix(&row.likeness, 16).ok()?;
        let found = (other ^ bits).count_ones();
        (found <= BITS_MAX).then_some(Similar {
            id: row.id,
            uploaded_by: row.uploaded_by,
            bits: found,
        })
    });
    let mut found: Vec<_> = compared.collect();
    found.sort_by_key(|it| (it.bits, it.id));
    Ok(found)
}

/// Hardly anything gets brighter anywhere, or all of it does.
fn is_plain(bits: u64) -> bool {
    !(6..=58).contains(&bits.count_ones())
}

/// A word and those that differ from it in one bit.
fn near(word: u16) -> Vec<u16> {
    std::iter::once(word).chain((0..16).map(|bit| word ^ 1 << bit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(of: impl Fn(u32, u32) -> u8) -> RgbImage {
        RgbImage::from_fn(90, 80, |x, y| image::Rgb([of(x, y); 3]))
    }

    #[test]
    fn pictures_are_alike_if_they_get_brighter_at_the_same_places() {
        let bars = |x: u32, y: u32| {
            (((x / 10 + y / 10 * 9) as u8).wrapping_mul(167) ^ 0x5A).wrapping_mul(29)
        };
        let bits = |it: &RgbImage| u64::from_str_radix(&likeness(it), 16).expect("hex");
        let of = bits(&picture(bars));
        let brighter = bits(&picture(|x, y| bars(x, y) / 2 + 60));
        let mirrored = bits(&picture(|x, y| bars(89 - x, y)));
        assert!((of ^ brighter).count_ones() <= 3, "{of:016x} {brighter:016x}");
        assert!((of ^ mirrored).count_ones() > BITS_MAX, "{of:016x} {mirrored:016x}");
        assert!(is_plain(bits(&picture(|_, _| 200))));
        assert!(!is_plain(of));
    }

    #[test]
    fn seventeen_words_are_near() {
        let words = near(0b1010);
        assert_eq!(words.len(), 17);
        assert!(words.contains(&0b1011) && !words.contains(&0b1001));
    }
}

//! From the bytes that somebody sent to the picture that is kept: a pure function.
//!
//! Nothing of the file survives but its pixels, upright and at most 2048 on a side. What it costs is
//! known before anything is decoded.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
};
use sha2::{Digest, Sha256};

use super::jpeg::outline;
use super::likeness::likeness;
use crate::kernel::clock::Instant;
use crate::kernel::derive::hex;
use crate::kernel::problem::{Code, Refusal};

/// A side of a picture that is sent, in pixels, at most.
const SIDE_MAX: u32 = 8192;
/// All of its pixels, at most: 24 MP.
const PIXELS_MAX: u64 = 24_000_000;
/// What making a picture anew may take, in bytes. The largest photos of a phone take half of it.
pub const MEMORY_MAX: u64 = 160 * 1024 * 1024;
/// A side of the picture that is kept, in pixels, at most.
const KEPT_SIDE_MAX: u32 = 2048;
/// Of 100: what it shows is evidence, not art.
const QUALITY: u8 = 82;
/// No picture is shorter than what tells its format.
const BYTES_MIN: usize = 12;

/// A picture as it is kept, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clean {
    /// A JPEG without metadata.
    pub jpeg: Vec<u8>,
    /// Pixels, 1 to 2048.
    pub width: u32,
    pub height: u32,
    /// Hex SHA-256 of the upright pixels and how many there are.
    pub pixels: String,
    /// 64 bits in hex; see [`super::likeness`].
    pub likeness: String,
    /// What the camera's clock said, read as village time.
    pub taken_at: Option<Instant>,
}

/// A picture that may be decoded.
pub struct Measured {
    format: ImageFormat,
    /// What making it anew takes, in bytes, at most [`MEMORY_MAX`].
    pub memory: u64,
}

/// Reads what a file is, and how large, from its head.
///
/// # Errors
/// `malformed_upload` if it is too short to be a picture, `unsupported_media_type` if it is none,
/// `photo_outsized` beyond the limits, `photo_unreadable` if its head is broken.
pub fn measure(bytes: &[u8]) -> Result<Measured, Refusal> {
    if bytes.len() < BYTES_MIN {
        let refusal = Refusal::from(Code::MalformedUpload);
        return Err(refusal.at("/photo", "length", format!("at least {BYTES_MIN} bytes")));
    }
    let format = format_of(bytes).ok_or_else(|| {
        Refusal::from(Code::UnsupportedMediaType).because("send a JPEG, PNG or WebP file")
    })?;
    let decoder = decoder(format, bytes)?;
    let (width, height) = decoder.dimensions();
    let area = u64::from(width) * u64::from(height);
    if width > SIDE_MAX || height > SIDE_MAX || area > PIXELS_MAX {
        return Err(Code::PhotoOutsized.into());
    }
    if area == 0 {
        return Err(Code::PhotoUnreadable.into());
    }
    let beside = match format {
        ImageFormat::Jpeg => match outline(bytes) {
            Some(it) if it.is_complete => it.coefficients,
            _ => return Err(Code::PhotoUnreadable.into()),
        },
        ImageFormat::WebP => area * webp_bytes(bytes),
        _ => 0,
    };
    let (kept_width, kept_height) = reduced(width, height).unwrap_or((width, height));
    // It is made smaller, turned, and flattened.
    let kept = u64::from(kept_width) * u64::from(kept_height) * 8;
    let memory = decoder.total_bytes() + beside + kept;
    if memory > MEMORY_MAX {
        return Err(Code::PhotoOutsized.into());
    }
    Ok(Measured { format, memory })
}

/// Makes a picture anew from its pixels.
///
/// # Errors
/// `photo_unreadable` if it cannot be decoded whole.
pub fn clean(bytes: &[u8], measured: &Measured) -> Result<Clean, Refusal> {
    let mut decoder = decoder(measured.format, bytes)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let taken_at = decoder.exif_metadata().ok().flatten().and_then(taken_at);
    let mut kept = small(DynamicImage::from_decoder(decoder).map_err(refused)?);
    kept.apply_orientation(orientation);
    let kept = opaque(kept);
    let mut jpeg = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&kept);
    encoded.map_err(refused)?;
    let (width, height) = kept.dimensions();
    let mut pixels = Sha256::new_with_prefix(format!("{width}x{height}|"));
    pixels.update(kept.as_raw());
    let pixels = hex(&pixels.finalize());
    Ok(Clean { jpeg, width, height, pixels, likeness: likeness(&kept), taken_at })
}

/// By its first bytes: what it is called, and what it is said to be, do not matter.
fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::WebP),
        _ => None,
    }
}

fn decoder(format: ImageFormat, bytes: &[u8]) -> Result<impl ImageDecoder + '_, Refusal> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader.into_decoder().map_err(refused)
}

fn refused(error: ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Code::PhotoOutsized.into(),
        _ => Code::PhotoUnreadable.into(),
    }
}

/// The sides that fit, if these do not.
fn reduced(width: u32, height: u32) -> Option<(u32, u32)> {
    let longer = width.max(height);
    let fit = |side: u32| {
        let side = u64::from(side) * u64::from(KEPT_SIDE_MAX) / u64::from(longer.max(1));
        u32::try_from(side).unwrap_or(KEPT_SIDE_MAX).max(1)
    };
    (longer > KEPT_SIDE_MAX).then(|| (fit(width), fit(height)))
}

/// Takes the large one, so that it goes before the small one is worked on.
fn small(sent: DynamicImage) -> DynamicImage {
    match reduced(sent.width(), sent.height()) {
        Some((width, height)) => sent.thumbnail_exact(width, height),
        None => sent,
    }
}

/// Bytes a pixel that the decoder of a WebP holds beside the pixels: its planes; without loss, the
/// pixels in another form; of an animation, those of a frame and of what it is drawn on.
fn webp_bytes(webp: &[u8]) -> u64 {
    let mut rest = webp.get(12..).unwrap_or_default();
    while let [kind @ .., s1, s2, s3, s4] = rest.get(..8).unwrap_or_default() {
        match kind {
            b"VP8 " => return 2,
            b"ANIM" | b"ANMF" => return 12,
            b"VP8L" => return 4,
            _ => {}
        }
        let size = u64::from(u32::from_le_bytes([*s1, *s2, *s3, *s4]));
        let next = usize::try_from(8 + size + size % 2).unwrap_or(usize::MAX);
        rest = rest.get(next..).unwrap_or_default();
    }
    12
}

/// On white paper: what was hidden behind transparency does not come to light.
fn opaque(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let on_white = |part: u8, alpha: u8| {
        let (part, alpha) = (u16::from(part), u16::from(alpha));
        ((part * alpha + 255 * (255 - alpha)) / 255) as u8
    };
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        Rgb([red, green, blue].map(|part| on_white(part, alpha)))
    })
}

fn taken_at(chunk: Vec<u8>) -> Option<Instant> {
    let exif = exif::Reader::new().read_raw(chunk).ok()?;
    let field = exif.get_field(exif::Tag::DateTimeOriginal, exif::In::PRIMARY)?;
    let exif::Value::Ascii(texts) = &field.value else { return None };
    let it = exif::DateTime::from_ascii(texts.first()?).ok()?;
    let (day, time) = ((it.year, it.month, it.day), (it.hour, it.minute, it.second));
    let text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+08:00",
        day.0, day.1, day.2, time.0, time.1, time.2
    );
    Instant::parse(&text)
}

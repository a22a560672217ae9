//! Pictures made in code: plain ones, and such as nobody's camera takes.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use uuid::Uuid;

/// A picture of 48 × 36 that no other seed gives.
pub fn picture(seed: u64) -> RgbImage {
    RgbImage::from_fn(48, 36, |x, y| {
        // Tiles of twelve pixels, which survive being packed anew.
        let tile = u64::from(y / 12 * 4 + x / 12);
        let mixed = (seed ^ tile << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        let [red, green, blue, ..] = mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9).to_be_bytes();
        Rgb([red, green, blue])
    })
}

/// The picture as a file.
pub fn packed(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone()).write_to(&mut file, format).expect("it is packed");
    file.into_inner()
}

pub fn jpeg(seed: u64) -> Vec<u8> {
    packed(&picture(seed), ImageFormat::Jpeg)
}

pub fn png(seed: u64) -> Vec<u8> {
    packed(&picture(seed), ImageFormat::Png)
}

pub fn webp(seed: u64) -> Vec<u8> {
    packed(&picture(seed), ImageFormat::WebP)
}

/// A JPEG with more segments (marker and content) behind its first two bytes.
pub fn jpeg_with(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let plain = jpeg(7);
    let (start, rest) = plain.split_at(2);
    let mut file = start.to_vec();
    for (marker, content) in segments {
        let length = u16::try_from(content.len() + 2).expect("a segment");
        file.extend([0xFF, *marker]);
        file.extend(length.to_be_bytes());
        file.extend_from_slice(content);
    }
    file.extend_from_slice(rest);
    file
}

/// An entry of a directory of Exif: tag, type, count and value, or where it stands.
pub type Entry = (u16, u16, u32, u32);

/// What follows `Exif\0\0`: a directory in big-endian, what its offsets lead to, and the next one.
pub fn tiff(entries: &[Entry], next: u32, data: &[u8]) -> Vec<u8> {
    let mut all = b"MM\0*\0\0\0\x08".to_vec();
    all.extend(u16::try_from(entries.len()).expect("a few").to_be_bytes());
    for (tag, kind, count, value) in entries {
        all.extend(tag.to_be_bytes());
        all.extend(kind.to_be_bytes());
        all.extend(count.to_be_bytes());
        all.extend(value.to_be_bytes());
    }
    all.extend(next.to_be_bytes());
    all.extend_from_slice(data);
    all
}

/// The APP1 segment of Exif.
pub fn exif(tiff: &[u8]) -> (u8, Vec<u8>) {
    (0xE1, [b"Exif\0\0", tiff].concat())
}

/// A JPEG turned as a phone held upright turns it (orientation 6).
pub fn jpeg_lying() -> Vec<u8> {
    jpeg_with(&[exif(&tiff(&[(0x0112, 3, 1, 6 << 16)], 0, b""))])
}

/// A JPEG that says where and when it was taken, and with what.
pub fn jpeg_that_tells() -> Vec<u8> {
    // The directory of three entries ends at 8 + 2 + 36 + 4 = 50.
    let maker = b"SECRET-MAKER\0";
    let exif_ifd = 50 + 13;
    let mut data = maker.to_vec();
    // Exif directory: when, and the maker's note; it ends at 63 + 2 + 24 + 4 = 93.
    data.extend([0, 2]);
    data.extend([0x90, 0x03, 0, 2, 0, 0, 0, 20, 0, 0, 0, 93]);
    data.extend([0x92, 0x7C, 0, 7, 0, 0, 0, 12, 0, 0, 0, 113]);
    data.extend([0, 0, 0, 0]);
    data.extend(b"2024:08:20 18:30:05\0");
    data.extend(b"MAKERNOTE-XY");
    // GPS at 125: latitude reference N, and three rationals at 143.
    data.extend([0, 1, 0, 2, 0, 5, 0, 0, 0, 3, 0, 0, 0, 143, 0, 0, 0, 0]);
    data.extend([0, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 15, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1]);
    let thumbnail = jpeg(8);
    data.extend_from_slice(&thumbnail);
    let entries = [(0x010F, 2, 13, 50), (0x8769, 4, 1, exif_ifd), (0x8825, 4, 1, 125)];
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>GPSLatitude 18,15.1N</x:xmpmeta>".to_vec();
    let iptc = b"Photoshop 3.0\08BIM\x04\x04IPTC-CITY-SANYA".to_vec();
    jpeg_with(&[
        exif(&tiff(&entries, 0, &data)),
        (0xE1, xmp),
        (0xED, iptc),
        (0xE2, b"ICC_PROFILE\0\x01\x01SECRET-ICC".to_vec()),
        (0xFE, b"COMMENT-OF-THE-CAMERA".to_vec()),
    ])
}

fn crc(bytes: &[u8]) -> u32 {
    let bit = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
    let table: Vec<u32> = (0..256).map(|at| (0..8).fold(at, |sum, _| bit(sum))).collect();
    let next = |sum: u32, byte: &u8| sum >> 8 ^ table[(sum as u8 ^ byte) as usize];
    !bytes.iter().fold(!0, next)
}

/// A PNG of chunks.
pub fn png_of(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in chunks {
        file.extend(u32::try_from(content.len()).expect("a chunk").to_be_bytes());
        let named = [&kind[..], content].concat();
        file.extend_from_slice(&named);
        file.extend(crc(&named).to_be_bytes());
    }
    file
}

/// The head of a PNG: 8 bits a sample, of the colour type 0 (grey), 2 (RGB) or 6 (with alpha).
pub fn head(width: u32, height: u32, colour: u8) -> (&'static [u8; 4], Vec<u8>) {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    (b"IHDR", [&sides[..], &[8, colour, 0, 0, 0]].concat())
}

/// So many zeros, deflated by hand to a 158th: runs of 258.
pub fn zeros(count: u64) -> Vec<u8> {
    let mut file = vec![0x78, 0x01];
    let (mut held, mut bits) = (0_u64, 0);
    let mut put = |file: &mut Vec<u8>, code: u64, length: u32| {
        held |= code << bits;
        bits += length;
        while bits >= 8 {
            file.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    };
    // The last block, of fixed codes; then one zero, 0011_0000 from its highest bit on.
    put(&mut file, 0b011, 3);
    put(&mut file, 0b0000_1100, 8);
    let runs = (count - 1) / 258;
    for _ in 0..runs {
        // Length 258 is 1100_0101, distance 1 is 0_0000.
        put(&mut file, 0b0_0000_1010_0011, 13);
    }
    for _ in 0..(count - 1) % 258 {
        put(&mut file, 0b0000_1100, 8);
    }
    // The end of the block, and of the byte.
    put(&mut file, 0, 14);
    let sum = u32::try_from(count % 65_521).expect("small") << 16 | 1;
    file.extend(sum.to_be_bytes());
    file
}

/// A black PNG of these sides, all there: at most 40 kB a megapixel.
pub fn png_bomb(width: u32, height: u32, colour: u8) -> Vec<u8> {
    let samples = match colour {
        0 => 1,
        6 => 4,
        _ => 3,
    };
    let row = u64::from(width) * samples + 1;
    let data = zeros(row * u64::from(height));
    png_of(&[head(width, height, colour), (b"IDAT", data), (b"IEND", Vec::new())])
}

/// A grey JPEG of these sides, of three components, the first sampled `fine` (0x11 or 0x22): all of its
/// coefficients are 0, which takes one or two bits a block.
pub fn jpeg_bomb(width: u16, height: u16, fine: u8, progressive: bool) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    file.extend([1; 64]);
    file.extend([0xFF, if progressive { 0xC2 } else { 0xC0 }, 0, 17, 8]);
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([3, 1, fine, 0, 2, 0x11, 0, 3, 0x11, 0]);
    for class in [0x00, 0x10] {
        // One code of one bit, and it means 0: no difference, or the end of the block.
        file.extend([0xFF, 0xC4, 0, 20, class, 1]);
        file.extend([0; 15]);
        file.push(0);
    }
    let last = if progressive { 0 } else { 63 };
    file.extend([0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, last, 0]);
    let (across, down) = (u64::from(fine >> 4) * 8, u64::from(fine & 15) * 8);
    let groups = u64::from(width).div_ceil(across) * u64::from(height).div_ceil(down);
    let blocks = groups * (u64::from(fine >> 4) * u64::from(fine & 15) + 2);
    let bits = if progressive { blocks } else { blocks * 2 };
    file.resize(file.len() + usize::try_from(bits / 8 + 1).expect("a file"), 0);
    file.extend([0xFF, 0xD9]);
    file
}

/// A WebP of one colour, without loss: forty bytes, whatever its sides.
pub fn webp_bomb(width: u32, height: u32) -> Vec<u8> {
    let (mut held, mut bits) = (0_u128, 0);
    let mut put = |code: u32, length: u32| {
        held |= u128::from(code) << bits;
        bits += length;
    };
    put(width - 1, 14);
    put(height - 1, 14);
    // No alpha, version 0, no transform, no cache, no groups.
    put(0, 1 + 3 + 1 + 1 + 1);
    for _ in 0..5 {
        // A simple code of one symbol of one bit: 0.
        put(0b0001, 4);
    }
    let mut data = vec![0x2F];
    data.extend_from_slice(&held.to_le_bytes()[..bits.div_ceil(8) as usize + 1]);
    if data.len() % 2 == 1 {
        data.push(0);
    }
    let size = |length: usize| u32::try_from(length).expect("small").to_le_bytes();
    let mut file = b"RIFF".to_vec();
    file.extend(size(data.len() + 12));
    file.extend(b"WEBPVP8L");
    file.extend(size(data.len()));
    file.extend(data);
    file
}

/// A form of parts: each its head without the last line break, and its content.
pub fn form(boundary: &str, parts: &[(String, Vec<u8>)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend(format!("--{boundary}\r\n{head}\r\n\r\n").into_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// A text field.
pub fn field(name: &str, text: &str) -> (String, Vec<u8>) {
    (format!("Content-Disposition: form-data; name=\"{name}\""), text.as_bytes().to_vec())
}

/// A file, as `wx.uploadFile` sends it.
pub fn file(name: &str, file_name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    let head = format!(
        "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
         Content-Type: image/jpeg"
    );
    (head, bytes.to_vec())
}

/// What `wx.uploadFile` sends for a photo.
pub fn upload(id: Uuid, bytes: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("----wx{}", Uuid::now_v7().simple());
    form(&boundary, &[field("id", &id.to_string()), file("photo", "tmp_1.jpg", bytes)])
}

//! What a JPEG says of itself before it is decoded: how much memory its coefficients take, and whether
//! it is all there. The decoder paints what is missing grey, and calls it a picture.

/// A JPEG, as its markers describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Bytes that a decoder holds beside the pixels: all coefficients, if they come in several scans.
    pub coefficients: u64,
    /// Whether it ends, and does not just stop.
    pub is_complete: bool,
}

/// Width and height of the frame, and of each component the product of its sampling factors.
struct Frame {
    area: u64,
    samples: Vec<u64>,
    progressive: bool,
}

impl Frame {
    /// `SOF`: precision, height, width, and three bytes for each component.
    fn read(marker: u8, body: &[u8]) -> Option<Self> {
        let [_, h1, h2, w1, w2, count, components @ ..] = body else { return None };
        let (height, width) = (u16::from_be_bytes([*h1, *h2]), u16::from_be_bytes([*w1, *w2]));
        let components = components.chunks_exact(3).take(usize::from(*count));
        let factors = components.map(|it| it.get(1).copied().unwrap_or(0x11));
        let samples = factors.map(|it| u64::from(it >> 4) * u64::from(it & 15)).collect();
        let area = u64::from(height) * u64::from(width);
        Some(Self { area, samples, progressive: marker == 0xC2 })
    }

    /// Two bytes a coefficient, where a component is sampled less than the finest one, fewer of them.
    fn coefficients(&self) -> u64 {
        let most = self.samples.iter().copied().max().unwrap_or(1).max(1);
        let all: u64 = self.samples.iter().sum();
        self.area * all * 2 / most
    }
}

/// Walks the markers; `None` if there is no frame.
pub fn outline(jpeg: &[u8]) -> Option<Outline> {
    let mut rest = jpeg.get(2..)?;
    let mut frame: Option<Frame> = None;
    let mut in_scans = false;
    let ended = |frame: Option<Frame>, in_scans: bool, is_complete: bool| {
        frame.map(|frame| Outline {
            coefficients: if in_scans { frame.coefficients() } else { 0 },
            is_complete,
        })
    };
    loop {
        // Compressed data, padding and what a camera left there: up to the next marker.
        let Some(at) = rest.windows(2).position(is_marker) else {
            return ended(frame, in_scans, false);
        };
        let marker = rest.get(at + 1).copied().unwrap_or_default();
        rest = rest.get(at + 2..).unwrap_or_default();
        if marker == 0xD9 {
            return ended(frame, in_scans, true);
        }
        let Some(body) = segment(rest) else { return ended(frame, in_scans, false) };
        rest = rest.get(body.len() + 2..).unwrap_or_default();
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if frame.is_none() => {
                frame = Some(Frame::read(marker, body)?);
            }
            0xDA => {
                let parts = body.first().copied().map_or(0, usize::from);
                let several = |it: &Frame| it.progressive || parts < it.samples.len();
                in_scans |= frame.as_ref().is_some_and(several);
            }
            _ => {}
        }
    }
}

/// A marker that has a meaning of its own: neither a stuffed byte, nor a restart, nor a fill byte.
fn is_marker(two: &[u8]) -> bool {
    matches!(two, [0xFF, second] if !matches!(second, 0x00 | 0x01 | 0xD0..=0xD8 | 0xFF))
}

/// What a segment holds, behind its two bytes of length.
fn segment(rest: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
    rest.get(2..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(marker: u8, scan: u8) -> Vec<u8> {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0xFF, 0xD9];
        // 100 x 200 in three components, the first twice as fine in both directions.
        jpeg.extend([0xFF, marker, 0, 17, 8, 0, 200, 0, 100, 3]);
        jpeg.extend([1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        jpeg.extend([0xFF, 0xDA, 0, 4, scan, 0, 7, 0xFF, 0x00, 0xFF, 0xD3, 9]);
        jpeg
    }

    #[test]
    fn coefficients_are_counted_if_they_come_in_several_scans() {
        let of = |marker, scan| outline(&frame(marker, scan)).expect("a frame").coefficients;
        assert_eq!(of(0xC0, 3), 0);
        assert_eq!(of(0xC0, 1), 20_000 * 3);
        assert_eq!(of(0xC2, 3), 20_000 * 3);
    }

    #[test]
    fn it_is_complete_if_it_ends() {
        let mut jpeg = frame(0xC0, 3);
        assert!(!outline(&jpeg).expect("a frame").is_complete);
        jpeg.extend([0xFF, 0xD9]);
        assert!(outline(&jpeg).expect("a frame").is_complete);
        assert_eq!(outline(&[0xFF, 0xD8, 0xFF, 0xD9]), None);
        assert_eq!(outline(&[]), None);
    }
}

//! PNG of a buffer, through the same SVG and the one font that is compiled in.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::{Ground, svg};

/// Pixels for a unit of the SVG.
const SCALE: u16 = 2;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The buffer has no cells, or too many.
    #[error("A picture of {columns}x{rows} cells cannot be made.")]
    Size {
        /// Its columns.
        columns: u16,
        /// Its rows.
        rows: u16,
    },
    /// The SVG could not be read back.
    #[error("The picture cannot be drawn: {0}.")]
    Svg(#[from] usvg::Error),
    /// The pixels could not be written.
    #[error("The picture cannot be written: {0}.")]
    Encoding(String),
}

/// The picture of a buffer as a PNG file.
pub fn png(buffer: &Buffer, ground: &Ground) -> Result<Vec<u8>, Error> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
    fonts.set_monospace_family("Hack");
    let options = usvg::Options { fontdb: Arc::new(fonts), font_family: "Hack".to_owned(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(&svg(buffer, ground), &options)?;
    let size = tree.size().to_int_size();
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let pixmap = Pixmap::new(size.width() * u32::from(SCALE), size.height() * u32::from(SCALE));
    let mut pixmap = pixmap.filter(|_| !buffer.area.is_empty()).ok_or(Error::Size { columns, rows })?;
    let scale = f32::from(SCALE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| Error::Encoding(error.to_string()))
}

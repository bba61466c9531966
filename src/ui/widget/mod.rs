//! Parts that several screens are made of. Each draws into the area it is given and nowhere else.

pub mod bar;
pub mod frame;
pub mod fresh;
pub mod steps;
pub mod tier;

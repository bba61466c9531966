//! Parts that several screens are made of. Each draws into the area it is given and nowhere else.

pub mod axis;
pub mod bar;
pub mod chart;
pub mod frame;
pub mod fresh;
pub mod resample;
pub mod spark;
pub mod steps;
pub mod tier;

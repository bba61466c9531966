//! Pure drawing: state and theme in, cells out. Changes nothing.

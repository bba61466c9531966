//! A real kubectl on the embedded world.

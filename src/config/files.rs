//! Where the configuration, themes, keymaps, logs and state lie. Everything that is written is for its owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

use super::{Error, Settings, resolve};

/// The places of this user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The configuration file; it need not exist.
    pub config: PathBuf,
    /// Whether somebody named it, so that it has to exist.
    pub named: bool,
    /// Folder of `themes/` and `keymaps/`.
    pub folder: PathBuf,
    /// Folder of the log.
    pub state: PathBuf,
    /// Home folder.
    pub home: PathBuf,
}

impl Files {
    /// Finds the places: `--config`, else `$PILOTHOUSE_CONFIG`, else the user's configuration folder.
    pub fn find(option: Option<&Path>) -> Result<Self, Error> {
        let base = BaseDirs::new().ok_or(Error::NoHome)?;
        let project = ProjectDirs::from("", "", "pilothouse").ok_or(Error::NoHome)?;
        let named = option.map(Path::to_owned).or_else(|| {
            let variable = std::env::var_os("PILOTHOUSE_CONFIG")?;
            (!variable.is_empty()).then(|| PathBuf::from(variable))
        });
        let folder = project.config_dir().to_owned();
        Ok(Self {
            named: named.is_some(),
            config: named.unwrap_or_else(|| folder.join("config.toml")),
            folder,
            state: project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned(),
            home: base.home_dir().to_owned(),
        })
    }

    /// Reads the configuration; without a file the defaults serve, unless a file was named.
    pub fn settings(&self) -> Result<Settings, Error> {
        match std::fs::read_to_string(&self.config) {
            Ok(text) => resolve::resolve(&self.config, &text, Some(&self.home)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.named => Ok(Settings::default()),
            Err(source) => Err(Error::Unreadable { path: self.config.clone(), source }),
        }
    }

    /// The user's own theme of that name, if there is such a file; else the name is a built-in one's.
    pub fn theme(&self, name: &str) -> Option<PathBuf> {
        self.own("themes", name)
    }

    /// The user's own keymap of that name, if there is such a file; else the name is a built-in one's.
    pub fn keymap(&self, name: &str) -> Option<PathBuf> {
        self.own("keymaps", name)
    }

    /// Names of the user's own themes, sorted.
    pub fn themes(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join("themes")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned));
        let mut names: Vec<String> = names.filter(|name| self.theme(name).is_some()).collect();
        names.sort();
        names
    }

    fn own(&self, kind: &str, name: &str) -> Option<PathBuf> {
        let plain = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter));
        let path = self.folder.join(kind).join(format!("{name}.toml"));
        (plain && path.is_file()).then_some(path)
    }
}

/// Opens a file for appending that only its owner can read, and makes its folder likewise.
pub fn append(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    path.parent().map_or(Ok(()), folder).map_err(failed)?;
    private().append(true).open(path).map_err(failed)
}

/// Makes a folder that only its owner can enter, and those above it likewise.
pub fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// How a file is opened that only its owner can read, or made if it is not there.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

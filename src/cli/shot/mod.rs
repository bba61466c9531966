//! `pilothouse shot`: a picture of a screen of a scenario. The world's clock stands still and begins at a fixed time, so that the
//! same arguments give the same bytes; the pictures of `screenshots/` are made and checked here.

mod keys;
mod stage;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::{Common, Exit, Failure};
use crate::demo::Scenario;
use crate::ui::export::{Ground, plain, png, svg};
use crate::ui::theme::{Depth, Theme, built_in};

const EXAMPLES: &str = "Examples:
  pilothouse shot canary > bridge.svg
  pilothouse shot stuck --at 90s --size 80x24 --text
  pilothouse shot canary --screen detail --theme daylight --png detail.png
  pilothouse shot --check screenshots";

/// The pictures of `screenshots/`: file name and arguments.
const GALLERY: [(&str, &str); 6] = [
    ("bridge.svg", "canary --at 90s --size 140x40"),
    ("bridge-daylight.svg", "canary --at 90s --size 140x40 --theme daylight"),
    ("rollouts.svg", "canary --at 90s --size 80x24 --screen rollouts"),
    ("detail.svg", "canary --at 90s --size 140x40 --screen detail"),
    ("stuck.svg", "stuck --at 180s --size 140x40 --screen detail"),
    ("bridge-contrast.svg", "errors --at 180s --size 140x40 --theme contrast"),
];

/// Arguments of `shot`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What goes on in the world
    #[arg(value_enum, value_name = "SCENARIO", required_unless_present_any = ["all", "check"])]
    scenario: Option<Scenario>,
    /// How far the story has gone
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    at: Duration,
    /// Columns and rows of the terminal
    #[arg(long, value_name = "WxH", default_value = "140x40", value_parser = size)]
    size: Size,
    /// Name of a built-in theme
    #[arg(long, value_name = "NAME", default_value = "harbor")]
    theme: String,
    /// How many colours the terminal has
    #[arg(long, value_enum, default_value_t, value_name = "DEPTH")]
    colours: Colours,
    /// Marks and frames in ASCII
    #[arg(long)]
    ascii: bool,
    /// What fills the screen
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    screen: Shown,
    /// Keys pressed then.
    #[arg(long, value_name = "KEYS", default_value = "", help = "Keys pressed then, such as 'jj<enter>'")]
    keys: String,
    /// The same seed makes the same world
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Write an SVG file; without any of these three, the SVG goes to stdout
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a PNG file
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Print the letters only
    #[arg(long)]
    text: bool,
    /// Write all pictures of the project into this folder
    #[arg(long, value_name = "FOLDER", exclusive = true)]
    all: Option<PathBuf>,
    /// Compare all pictures of the project with those in this folder; exit 1 if one differs
    #[arg(long, value_name = "FOLDER", exclusive = true)]
    check: Option<PathBuf>,
}

/// How many colours are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Colours {
    /// 24 bits
    #[default]
    True,
    /// 256
    #[value(name = "256")]
    Indexed,
    /// 16
    #[value(name = "16")]
    Sixteen,
    /// None, as under NO_COLOR
    None,
}

impl From<Colours> for Depth {
    fn from(colours: Colours) -> Self {
        match colours {
            Colours::True => Self::True,
            Colours::Indexed => Self::Indexed,
            Colours::Sixteen => Self::Sixteen,
            Colours::None => Self::None,
        }
    }
}

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// All at one glance
    #[default]
    Bridge,
    /// The list of rollouts
    Rollouts,
    /// The first rollout of the list
    Detail,
    /// The choice among environments
    Environments,
    /// All keys
    Help,
    /// What the program noted
    Log,
}

impl Shown {
    /// The keys that lead there.
    fn keys(self) -> &'static str {
        match self {
            Self::Bridge => "1",
            Self::Rollouts => "3",
            Self::Detail => "<enter>",
            Self::Environments => "e",
            Self::Help => "?",
            Self::Log => "!",
        }
    }
}

/// Takes the picture, or all of them.
pub fn run(arguments: &Arguments, _common: &Common) -> Result<Exit, Failure> {
    if let Some(folder) = &arguments.all {
        return write_all(folder);
    }
    if let Some(folder) = &arguments.check {
        return check_all(folder);
    }
    let (buffer, theme) = taken(arguments)?;
    let ground = Ground::of(theme.mode);
    if let Some(path) = &arguments.png {
        let bytes = png(&buffer, &ground).map_err(|error| Failure::Refused(error.to_string()))?;
        write(path, &bytes)?;
    }
    if let Some(path) = &arguments.svg {
        write(path, svg(&buffer, &ground).as_bytes())?;
    }
    let mut out = std::io::stdout().lock();
    if arguments.text {
        out.write_all(plain(&buffer).as_bytes())?;
    } else if arguments.png.is_none() && arguments.svg.is_none() {
        out.write_all(svg(&buffer, &ground).as_bytes())?;
    }
    Ok(Exit::Done)
}

/// Plays the scenario and draws its screen.
fn taken(arguments: &Arguments) -> Result<(Buffer, Theme), Failure> {
    let unknown = || Failure::Usage(format!("There is no built-in theme '{}'.", arguments.theme));
    let text = built_in(&arguments.theme).ok_or_else(unknown)?;
    let theme = Theme::parse(&arguments.theme, text, arguments.colours.into());
    let mut theme = theme.map_err(|error| Failure::Usage(error.to_string()))?;
    theme.ascii = arguments.ascii;
    let keys = keys::parse(&format!("{}{}", arguments.screen.keys(), arguments.keys)).map_err(Failure::Usage)?;
    let play = stage::Play {
        scenario: arguments.scenario.unwrap_or_default(),
        seed: arguments.seed,
        at: arguments.at,
        size: arguments.size,
        keys,
    };
    let buffer = stage::play(&play, &theme)?;
    Ok((buffer, theme))
}

fn gallery() -> Result<Vec<(&'static str, String)>, Failure> {
    use clap::{Args as _, FromArgMatches as _};
    GALLERY
        .iter()
        .map(|(name, line)| {
            let command = Arguments::augment_args(clap::Command::new("shot").no_binary_name(true));
            let matches = command.try_get_matches_from(line.split(' ')).map_err(|error| Failure::Usage(error.to_string()))?;
            let arguments = Arguments::from_arg_matches(&matches).map_err(|error| Failure::Usage(error.to_string()))?;
            let (buffer, theme) = taken(&arguments)?;
            Ok((*name, svg(&buffer, &Ground::of(theme.mode))))
        })
        .collect()
}

fn write_all(folder: &Path) -> Result<Exit, Failure> {
    std::fs::create_dir_all(folder)?;
    for (name, picture) in gallery()? {
        write(&folder.join(name), picture.as_bytes())?;
    }
    Ok(Exit::Done)
}

fn check_all(folder: &Path) -> Result<Exit, Failure> {
    let mut out = std::io::stderr().lock();
    let mut exit = Exit::Done;
    for (name, picture) in gallery()? {
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(kept) if kept == picture => {}
            Ok(_) => {
                writeln!(out, "{} is not what is drawn now.", path.display())?;
                exit = Exit::Refused;
            }
            Err(error) => {
                writeln!(out, "{}: {error}.", path.display())?;
                exit = Exit::Refused;
            }
        }
    }
    if exit != Exit::Done {
        writeln!(out, "Draw them again: pilothouse shot --all {}", folder.display())?;
    }
    Ok(exit)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| Failure::Refused(format!("{} cannot be written: {error}.", path.display())))
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().or_else(|| crate::domain::duration::go_seconds(text));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(Duration::from_secs).ok_or_else(|| "a time such as 42s, 3m or 1h30m".to_owned())
}

fn size(text: &str) -> Result<Size, String> {
    let parts = text.split_once('x').and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?)));
    let fits = parts.filter(|size| (1..=500).contains(&size.width) && (1..=300).contains(&size.height));
    fits.ok_or_else(|| "columns and rows such as 140x40, up to 500x300".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_as_they_are_written() {
        assert_eq!(duration("42"), Ok(Duration::from_secs(42)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert!(duration("-1s").is_err() && duration("soon").is_err());
        assert_eq!(size("80x24"), Ok(Size::new(80, 24)));
        assert!(size("80").is_err() && size("0x1").is_err() && size("80x24x3").is_err());
    }
}

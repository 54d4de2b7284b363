//! What the demo says, in the viewer's language, and how fast.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::cli::screen::Screen;

/// Long enough to read a chapter.
const PAUSE: Duration = Duration::from_millis(2500);

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// The stage.
pub(super) struct Stage<'a> {
    screen: &'a Screen,
    language: &'static str,
    once: bool,
    chapter: u32,
}

impl<'a> Stage<'a> {
    pub(super) fn new(screen: &'a Screen, language: &'static str, once: bool) -> Self {
        Self {
            screen,
            language,
            once,
            chapter: 0,
        }
    }

    /// Played without pauses, and then over.
    pub(super) fn once(&self) -> bool {
        self.once
    }

    pub(super) fn screen(&self) -> &'a Screen {
        self.screen
    }

    /// The one of two that is in the viewer's language.
    pub(super) fn pick<T>(&self, zh: T, en: T) -> T {
        if self.language == "zh" { zh } else { en }
    }

    /// A line as it is.
    pub(super) fn say(&self, line: &str) {
        self.screen.print(line);
    }

    /// A line of the story.
    pub(super) fn tell(&self, zh: impl AsRef<str>, en: impl AsRef<str>) {
        self.say(&format!("  {}", self.pick(zh.as_ref(), en.as_ref())));
    }

    /// Something that was seen to have happened.
    pub(super) fn done(&self, zh: impl AsRef<str>, en: impl AsRef<str>) {
        let text = self.pick(zh.as_ref(), en.as_ref());
        self.say(&format!("  {} {text}", self.paint(GREEN, "✓")));
    }

    /// Something that a person must look at.
    pub(super) fn attention(&self, zh: impl AsRef<str>, en: impl AsRef<str>) {
        let text = self.pick(zh.as_ref(), en.as_ref());
        self.say(&format!("  {} {text}", self.paint(YELLOW, "!")));
    }

    /// A command, as an administrator would type it.
    pub(super) fn command(&self, command: &str) {
        self.say(&format!("  {}", self.paint(DIM, &format!("$ {command}"))));
    }

    /// Begins a chapter, after a pause.
    pub(super) async fn chapter(&mut self, zh: &str, en: &str) {
        if self.chapter > 0 {
            self.breathe().await;
        }
        self.chapter += 1;
        let title = format!("{} · {}", self.chapter, self.pick(zh, en));
        self.say("");
        self.say(&self.paint(BOLD, &title));
    }

    /// Leaves time to read.
    pub(super) async fn breathe(&self) {
        if !self.once {
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.screen.style().colours {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

//! Which pages are open: a stack for each screen, of which only the top one is seen. Which screens there are is the
//! [`Screen`]'s to say; what a page does with an input is its own.

use super::page::Page;
use super::{Scene, Screen};

/// The pages of one screen: the one its key opens, and those opened over it.
struct Stack {
    screen: Screen,
    root: Box<dyn Page>,
    over: Vec<Box<dyn Page>>,
}

/// All screens, and which of them is seen.
pub struct Tabs {
    stacks: Vec<Stack>,
    open: usize,
    /// Where going back leads from a screen that another one sent the person to.
    sent_from: Option<usize>,
}

impl Default for Tabs {
    fn default() -> Self {
        let stack = |screen: &Screen| Stack { screen: *screen, root: screen.page(), over: Vec::new() };
        Self { stacks: Screen::ALL.iter().map(stack).collect(), open: 0, sent_from: None }
    }
}

impl Tabs {
    /// The screen that is seen.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.stacks[self.open].screen
    }

    /// Shows a screen; the one that is seen already goes back to its first page.
    pub fn show(&mut self, screen: Screen) {
        let Some(index) = self.stacks.iter().position(|stack| stack.screen == screen) else { return };
        if index == self.open {
            self.stacks[index].over.clear();
        }
        (self.open, self.sent_from) = (index, None);
    }

    /// Shows the first page of a screen on behalf of the page that is seen, to which going back leads.
    pub fn visit(&mut self, screen: Screen) {
        let from = self.open;
        self.show(screen);
        self.stacks[self.open].over.clear();
        self.sent_from = (from != self.open).then_some(from);
    }

    /// Shows the next screen, after the last the first.
    pub fn step_on(&mut self) {
        (self.open, self.sent_from) = ((self.open + 1) % self.stacks.len(), None);
    }

    /// Shows the screen before.
    pub fn step_back(&mut self) {
        let before = self.open.checked_sub(1).unwrap_or(self.stacks.len() - 1);
        (self.open, self.sent_from) = (before, None);
    }

    /// The page that is seen.
    #[must_use]
    pub fn page(&self) -> &dyn Page {
        let stack = &self.stacks[self.open];
        stack.over.last().unwrap_or(&stack.root).as_ref()
    }

    /// The same, to change it.
    pub fn page_mut(&mut self) -> &mut dyn Page {
        let stack = &mut self.stacks[self.open];
        stack.over.last_mut().unwrap_or(&mut stack.root).as_mut()
    }

    /// Opens a page over the one that is seen.
    pub fn push(&mut self, page: Box<dyn Page>, scene: Scene<'_>) {
        self.stacks[self.open].over.push(page);
        self.page_mut().arrange(scene);
    }

    /// Goes back to the page below, or to the one that sent the person here; false when there is neither.
    pub fn pop(&mut self, scene: Scene<'_>) -> bool {
        let popped = self.stacks[self.open].over.pop().is_some();
        let returned = if popped { None } else { self.sent_from.take() };
        self.open = returned.unwrap_or(self.open);
        if popped || returned.is_some() {
            // Only what is seen is kept up to date.
            self.page_mut().arrange(scene);
        }
        popped || returned.is_some()
    }

    /// The page that a screen's key opens.
    #[must_use]
    pub fn root(&self, screen: Screen) -> Option<&dyn Page> {
        self.stacks.iter().find(|stack| stack.screen == screen).map(|stack| stack.root.as_ref())
    }

    /// The same, to change it.
    pub fn root_mut(&mut self, screen: Screen) -> Option<&mut dyn Page> {
        let stack = self.stacks.iter_mut().find(|stack| stack.screen == screen)?;
        Some(stack.root.as_mut())
    }

    /// Every page, also those that are not seen.
    pub fn each(&mut self, mut visit: impl FnMut(&mut dyn Page)) {
        for stack in &mut self.stacks {
            visit(stack.root.as_mut());
            stack.over.iter_mut().for_each(|page| visit(page.as_mut()));
        }
    }
}

//! Grid worlds drawn as text, `grid:FILE.txt`.

use std::path::{Path, PathBuf};

use crate::lab::{Process, ProcessSpec, ReadError, read_text};

/// Up, right, down, left: steps in rows and columns.
const MOVES: [(isize, isize); 4] = [(-1, 0), (0, 1), (1, 0), (0, -1)];

/// Most cells that can be stood on: the table of transitions has four times their square.
const MOST_CELLS: usize = 1000;

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// A map that is refused: where, what, and what is allowed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridError {
    /// A file that cannot be read, or not safely.
    #[error(transparent)]
    File(#[from] ReadError),
    /// A line that is refused.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// A map that is refused as a whole.
    #[error("{}: {reason}", path.display())]
    Map {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is allowed.
        reason: String,
    },
}

/// Reads a grid world and turns it into a decision process.
///
/// Settings, a line each, come before the map; what is not set has its default:
///
/// | line | meaning | default |
/// |---|---|---|
/// | `step = -0.1` | reward of every step on another cell | -0.1 |
/// | `goal = 1` | reward of the last step, in a goal | 1 |
/// | `pit = -1` | the same in a pit | -1 |
/// | `slip = 0` | probability of slipping | 0 |
/// | `horizon = 50` | H, after which an episode ends | 50 |
/// | `alpha = 0.1` | the temperature | 0.1 |
///
/// The map is a row of cells a line: `S` a cell to start in (uniformly one of them), `.` a free cell, `#`
/// a wall, `G` a goal, `X` a pit. The states are all cells but walls, in reading order. The four actions
/// are up, right, down and left. A move slips with probability `slip`, to either side with half of it;
/// into a wall or out of the map it stays. In a goal or a pit whatever is done is rewarded by `goal` or
/// `pit` and ends the trajectory: a reward depends on the state and the action alone, so entering one cannot
/// be what is rewarded where moves slip. The default policy and the policy are uniform, Z0 is 1.
///
/// # Errors
/// Names file and line, and what is allowed there.
pub fn read_grid(path: &Path) -> Result<Process, GridError> {
    let text = read_text(path, LARGEST_FILE)?;
    let text = String::from_utf8_lossy(&text);
    parse(&text).map_err(|Refusal { line, reason }| match line {
        Some(line) => GridError::Line { path: path.to_owned(), line, reason },
        None => GridError::Map { path: path.to_owned(), reason },
    })
}

/// What is wrong, in a line (from 1) or as a whole.
#[derive(Debug)]
struct Refusal {
    line: Option<usize>,
    reason: String,
}

fn refuse<T>(line: usize, reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { line: Some(line), reason: reason.into() })
}

fn refuse_all<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { line: None, reason: reason.into() })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    Start,
    Free,
    Wall,
    Goal,
    Pit,
}

impl Cell {
    fn of(character: char) -> Option<Self> {
        Some(match character {
            'S' => Self::Start,
            '.' => Self::Free,
            '#' => Self::Wall,
            'G' => Self::Goal,
            'X' => Self::Pit,
            _ => return None,
        })
    }

    fn is_state(self) -> bool {
        self != Self::Wall
    }
}

/// The lines before the map.
#[derive(Debug, PartialEq)]
struct Settings {
    step: f64,
    goal: f64,
    pit: f64,
    slip: f64,
    horizon: usize,
    alpha: f64,
}

impl Settings {
    const KEYS: &'static str = "step, goal, pit, slip, horizon, alpha";

    /// Takes one setting; `taken` are the keys before it.
    fn take(
        &mut self,
        number: usize,
        (key, value): (&str, &str),
        taken: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        let (key, value) = (key.trim(), value.trim());
        if taken.iter().any(|one| one == key) {
            return refuse(number, format!("{key} is set twice"));
        }
        taken.push(key.to_owned());
        if key == "horizon" {
            self.horizon = match value.parse() {
                Ok(horizon) if (1..=Process::MAX_CELLS).contains(&horizon) => horizon,
                _ => {
                    let allowed = format!("a whole number from 1 to {}", Process::MAX_CELLS);
                    return refuse(number, format!("horizon = {value}: {allowed}"));
                }
            };
            return Ok(());
        }
        let (place, allowed): (&mut f64, _) = match key {
            "step" => (&mut self.step, f64::MIN..=f64::MAX),
            "goal" => (&mut self.goal, f64::MIN..=f64::MAX),
            "pit" => (&mut self.pit, f64::MIN..=f64::MAX),
            "slip" => (&mut self.slip, 0.0..=1.0),
            "alpha" => (&mut self.alpha, f64::MIN_POSITIVE..=f64::MAX),
            _ => return refuse(number, format!("unknown setting {key:?}: one of {}", Self::KEYS)),
        };
        match value.parse() {
            Ok(value) if allowed.contains(&value) => *place = value,
            _ => {
                let allowed = match key {
                    "slip" => "a number from 0 to 1",
                    "alpha" => "a positive number",
                    _ => "a finite number",
                };
                return refuse(number, format!("{key} = {value}: {allowed}"));
            }
        }
        Ok(())
    }
}

/// The cells, `[rows, columns]`.
struct Map {
    columns: usize,
    cells: Vec<Cell>,
}

fn parse(text: &str) -> Result<Process, Refusal> {
    let mut settings =
        Settings { step: -0.1, goal: 1.0, pit: -1.0, slip: 0.0, horizon: 50, alpha: 0.1 };
    let mut taken = Vec::new();
    let mut map = Map { columns: 0, cells: Vec::new() };
    let mut map_is_over = false;
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim_end());
        let has_map = map.columns > 0;
        match line.split_once('=') {
            _ if line.is_empty() => map_is_over = has_map,
            Some(_) if has_map => return refuse(number, "settings come before the map"),
            Some(setting) => settings.take(number, setting, &mut taken)?,
            None if map_is_over => return refuse(number, "nothing but empty lines after the map"),
            None => map.take_row(number, line)?,
        }
    }
    map.process(&settings)
}

impl Map {
    fn take_row(&mut self, number: usize, line: &str) -> Result<(), Refusal> {
        let before = self.cells.len();
        for (column, character) in line.chars().enumerate() {
            let Some(cell) = Cell::of(character) else {
                let allowed = "S start, . free, # wall, G goal, X pit, or a line KEY = VALUE";
                return refuse(number, format!("column {}: {character:?}: {allowed}", column + 1));
            };
            self.cells.push(cell);
        }
        let width = self.cells.len() - before;
        if before == 0 {
            self.columns = width;
        } else if width != self.columns {
            let reason = format!("{width} cells: {} expected, as in the first row", self.columns);
            return refuse(number, reason);
        }
        Ok(())
    }

    /// The cell that a move reaches, itself where it bumps.
    fn reached(&self, cell: usize, direction: usize) -> usize {
        let (down, right) = MOVES[direction];
        let row = (cell / self.columns).checked_add_signed(down);
        let column = (cell % self.columns).checked_add_signed(right);
        match (row, column) {
            (Some(row), Some(column)) if column < self.columns => {
                let next = row * self.columns + column;
                let is_open = self.cells.get(next).is_some_and(|&there| there != Cell::Wall);
                if is_open { next } else { cell }
            }
            _ => cell,
        }
    }

    fn process(&self, settings: &Settings) -> Result<Process, Refusal> {
        let places: Vec<usize> =
            (0..self.cells.len()).filter(|&cell| self.cells[cell].is_state()).collect();
        let states = places.len();
        let starts = self.cells.iter().filter(|&&cell| cell == Cell::Start).count();
        if starts == 0 {
            return refuse_all("no cell to start in: at least one S");
        }
        if states > MOST_CELLS {
            return refuse_all(format!("{states} cells to stand on: at most {MOST_CELLS}"));
        }
        let most = Process::MAX_CELLS / (states * MOVES.len());
        if settings.horizon > most {
            let horizon = settings.horizon;
            let reason = format!("horizon = {horizon}: at most {most} with {states} cells");
            return refuse_all(reason);
        }
        let is_start = |&cell: &usize| f64::from(u8::from(self.cells[cell] == Cell::Start));
        let pairs = states * MOVES.len();
        let mut spec = ProcessSpec {
            states,
            actions: MOVES.len(),
            horizon: settings.horizon,
            alpha: settings.alpha,
            z0: 1.0,
            rho0: places.iter().map(|cell| is_start(cell) / starts as f64).collect(),
            transitions: vec![0.0; pairs * states],
            rewards: vec![settings.step; pairs],
            default_policy: vec![1.0 / MOVES.len() as f64; pairs],
            logits: vec![0.0; pairs],
            gamma: None,
        };
        for (pair, row) in spec.transitions.chunks_exact_mut(states).enumerate() {
            let (cell, action) = (places[pair / MOVES.len()], pair % MOVES.len());
            match self.cells[cell] {
                Cell::Goal => spec.rewards[pair] = settings.goal,
                Cell::Pit => spec.rewards[pair] = settings.pit,
                _ => {
                    for (direction, probability) in slips(action, settings.slip) {
                        let next = self.reached(cell, direction);
                        // Places are sorted, and a move ends on one of them.
                        row[places.partition_point(|&place| place < next)] += probability;
                    }
                }
            }
        }
        Process::new(spec).or_else(|error| refuse_all(error.to_string()))
    }
}

/// The directions that a move takes, with their probabilities: its own and both sides.
fn slips(action: usize, slip: f64) -> [(usize, f64); 3] {
    [(action, 1.0 - slip), ((action + 1) % 4, slip / 2.0), ((action + 3) % 4, slip / 2.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "slip = 0.2\nhorizon = 6\npit = -3\n\nS.G\n.#X\n";

    fn refusal(text: &str) -> String {
        let Refusal { line, reason } = parse(text).unwrap_err();
        format!("{}: {reason}", line.map_or("map".to_owned(), |line| line.to_string()))
    }

    #[test]
    fn moves_slips_walls_and_ends_are_those_of_the_map() {
        let process = parse(MAP).unwrap();
        assert_eq!((process.states(), process.actions(), process.horizon()), (5, 4, 6));
        assert_eq!(process.rho0(), [1.0, 0.0, 0.0, 0.0, 0.0]);
        // From the start to the right: 0.8 right, 0.1 down, 0.1 up, where the map ends.
        assert_eq!(process.transition(0, 1), [0.1, 0.8, 0.0, 0.1, 0.0]);
        // From the middle into the goal; up and down lead nowhere.
        assert_eq!(process.transition(1, 1), [0.0, 0.2, 0.8, 0.0, 0.0]);
        // Up from the middle slips to the left and into the goal.
        assert_eq!(process.transition(1, 0), [0.1, 0.8, 0.1, 0.0, 0.0]);
        // Right from the lower cell is a wall.
        assert_eq!(process.transition(3, 1), [0.1, 0.0, 0.0, 0.9, 0.0]);
        for action in 0..4 {
            let cells = [(0, -0.1, 0.0), (1, -0.1, 0.0), (2, 1.0, 1.0), (4, -3.0, 1.0)];
            for (state, reward, end) in cells {
                assert_eq!(process.reward(state, action), reward);
                assert_eq!(process.termination(state, action), end);
            }
        }
        let two = parse("S.\n#S").unwrap();
        assert_eq!(two.rho0(), [0.5, 0.0, 0.5]);
    }

    #[test]
    fn a_bad_map_is_told_with_its_line() {
        for (text, told) in [
            (
                "S.\n.o",
                "2: column 2: 'o': S start, . free, # wall, G goal, X pit, or a line KEY = VALUE",
            ),
            ("S.\n...", "2: 3 cells: 2 expected, as in the first row"),
            ("S.\n\n..", "3: nothing but empty lines after the map"),
            ("S.\nslip = 0", "2: settings come before the map"),
            (
                "slop = 1\nS",
                "1: unknown setting \"slop\": one of step, goal, pit, slip, horizon, alpha",
            ),
            ("slip = 0\nslip = 0\nS", "2: slip is set twice"),
            ("slip = 1.5\nS", "1: slip = 1.5: a number from 0 to 1"),
            ("goal = nan\nS", "1: goal = nan: a finite number"),
            ("alpha = 0\nS", "1: alpha = 0: a positive number"),
            ("horizon = 0\nS", "1: horizon = 0: a whole number from 1 to 1000000"),
            ("horizon = 300000\nS", "map: horizon = 300000: at most 250000 with 1 cells"),
            (".G", "map: no cell to start in: at least one S"),
            ("", "map: no cell to start in: at least one S"),
        ] {
            assert_eq!(refusal(text), told, "{text:?}");
        }
        let large = format!("{}\n", "S".repeat(MOST_CELLS + 1));
        assert_eq!(refusal(&large), "map: 1001 cells to stand on: at most 1000");
        assert!(refusal("alpha = 1e-60\nS").starts_with("map: alpha"));
    }

    #[test]
    fn a_file_is_read_or_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.txt");
        assert!(matches!(read_grid(&path), Err(GridError::File(_))));
        std::fs::write(&path, MAP).unwrap();
        assert_eq!(read_grid(&path).unwrap(), parse(MAP).unwrap());
        std::fs::write(&path, "S?").unwrap();
        let error = read_grid(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:1: column 2", path.display())), "{error}");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read_grid(&path).unwrap_err().to_string();
        assert!(error.ends_with("larger than 1048576 bytes"), "{error}");
    }

    /// Best actions and values at the first step, by value iteration.
    fn solve(process: &Process) -> (Vec<usize>, Vec<f64>) {
        let states = process.states();
        let (mut best, mut values) = (vec![0; states], vec![0.0; states]);
        for _ in 0..process.horizon() {
            let q = |s: usize, a: usize| {
                let next = process.transition(s, a).iter().zip(&values);
                process.reward(s, a) + next.map(|(p, v)| p * v).sum::<f64>()
            };
            let choose = |s| (0..4).max_by(|&a, &b| q(s, a).total_cmp(&q(s, b))).unwrap_or(0);
            best = (0..states).map(choose).collect();
            values = best.iter().enumerate().map(|(s, &a)| q(s, a)).collect();
        }
        (best, values)
    }

    /// Without slips the way along the pits is the best, with them the one around the wall. The second
    /// number is from an implementation of its own.
    #[test]
    fn slips_change_the_best_way_of_the_example() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/grid.txt");
        let text = std::fs::read_to_string(path).unwrap();
        // In reading order the cell above the start is state 8 and the start state 14.
        for (slip, action, value) in [("0", 1, 1.0 - 7.0 * 0.05), ("0.2", 0, 0.100_039_033_082_961)]
        {
            let process = parse(&text.replace("slip = 0.2", &format!("slip = {slip}"))).unwrap();
            let (best, values) = solve(&process);
            assert_eq!((best[8], best[14]), (action, 0), "slip {slip}");
            assert!((values[14] - value).abs() < 1e-12, "slip {slip}: {}", values[14]);
        }
    }
}

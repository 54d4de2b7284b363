//! The departments of a source as a forest, whatever the provider's tree looks like.

use std::collections::HashMap;

use crate::model::Department;

/// A tree is at most 15 deep (`wecom-api.md` 2.1); more than this is a cycle.
const DEEPEST: usize = 64;

/// Departments by id. A missing parent makes a root; a cycle is cut.
#[derive(Debug, Default)]
pub struct Departments {
    by_id: HashMap<String, Department>,
}

impl Departments {
    /// Indexes departments; of two with one id the last counts.
    #[must_use]
    pub fn new(departments: Vec<Department>) -> Self {
        Self {
            by_id: departments.into_iter().map(|d| (d.id.clone(), d)).collect(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// A department's name.
    #[must_use]
    pub fn name(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|d| d.name.as_str())
    }

    /// The names of these departments, in order; one that is not visible has none.
    #[must_use]
    pub fn names(&self, ids: &[String]) -> Vec<String> {
        ids.iter()
            .filter_map(|id| self.name(id))
            .map(str::to_owned)
            .collect()
    }

    /// The names of these departments and of all above them, root first, each once.
    #[must_use]
    pub fn path(&self, ids: &[String]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for id in ids {
            let mut line = Vec::new();
            let mut at = self.by_id.get(id);
            while let Some(department) = at {
                if line.len() >= DEEPEST || line.contains(&department) {
                    break;
                }
                line.push(department);
                at = department.parent.as_ref().and_then(|p| self.by_id.get(p));
            }
            for department in line.into_iter().rev() {
                if !names.contains(&department.name) {
                    names.push(department.name.clone());
                }
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn department(id: &str, parent: Option<&str>) -> Department {
        Department {
            id: id.into(),
            parent: parent.map(Into::into),
            name: format!("D{id}"),
        }
    }

    #[test]
    fn a_cycle_and_a_missing_parent_end() {
        let departments = Departments::new(vec![
            department("1", Some("2")),
            department("2", Some("1")),
            department("3", Some("99")),
        ]);
        assert_eq!(departments.path(&["1".into()]), ["D2", "D1"]);
        assert_eq!(departments.path(&["3".into()]), ["D3"]);
    }
}

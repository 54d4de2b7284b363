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

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn names_are_those_of_what_is_visible_in_order() {
        let departments = Departments::new(vec![department("1", None), department("2", None)]);
        assert_eq!(departments.name("2"), Some("D2"));
        assert_eq!(departments.name("9"), None);
        assert_eq!(departments.names(&ids(&["2", "9", "1"])), ["D2", "D1"]);
        assert_eq!((departments.len(), departments.is_empty()), (2, false));
        let none = Departments::default();
        assert_eq!((none.len(), none.is_empty()), (0, true));
    }

    #[test]
    fn a_path_names_each_once_and_the_root_first() {
        let departments = Departments::new(vec![
            department("1", None),
            department("2", Some("1")),
            department("3", Some("2")),
            department("4", Some("2")),
        ]);
        let path = departments.path(&ids(&["3", "4", "9"]));
        assert_eq!(path, ["D1", "D2", "D3", "D4"]);
    }

    #[test]
    fn a_path_is_cut_where_no_tree_is_so_deep() {
        let line = (0..100).map(|n| department(&n.to_string(), Some(&(n + 1).to_string())));
        let departments = Departments::new(line.collect());
        let path = departments.path(&ids(&["0"]));
        assert_eq!(path.len(), DEEPEST);
        assert_eq!(path.last().map(String::as_str), Some("D0"));
    }
}

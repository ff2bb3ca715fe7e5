//! The result as JUnit XML: a test case for each row.

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::timeline::timeline;
use crate::campaign::{Campaign, Report, RowReport};
use crate::check::Verdict;

/// The XML document.
///
/// # Errors
/// When it cannot be put into words of XML.
pub fn document(campaign: &Campaign, report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("lockfuzz {} seed {}", campaign.engine.name(), campaign.seed));
    suite.set_time(report.took);
    suite.add_test_cases(report.rows.iter().map(test_case));
    let mut xml = Xml::new("lockfuzz");
    xml.set_time(report.took);
    xml.add_test_suite(suite);
    xml.to_string()
}

fn test_case(row: &RowReport) -> TestCase {
    let status = match &row.verdict {
        Verdict::Pass(_) => TestCaseStatus::success(),
        Verdict::Fail(failure) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(failure.law.name()).set_message(failure.to_string());
            if let Some(found) = &row.counterexample {
                status.set_description(timeline(&found.case, &found.history, Some(&found.failure)));
            }
            status
        }
        // JUnit has no word for it; a build must not be green on it.
        Verdict::Inconclusive { reason } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive").set_message(reason.to_string());
            status
        }
    };
    let (placement, order) = (row.row.placement.name(), row.row.order.name());
    let mut case = TestCase::new(format!("{placement}, {order}"), status);
    case.set_classname(format!("lockfuzz.{}", row.row.lock.name)).set_time(row.spent);
    case
}

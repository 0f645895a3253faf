//! What of the protocol is used, version 3.17: its names are those of its specification.
#![allow(missing_docs, reason = "the specification of the protocol tells what they are")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::position::{Position, Range};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitializeParams {
    pub(crate) root_uri: Option<String>,
    #[serde(default)]
    pub(crate) workspace_folders: Option<Vec<DocumentId>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DocumentId {
    pub(crate) uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DidOpenParams {
    pub(crate) text_document: OpenedDocument,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OpenedDocument {
    pub(crate) uri: String,
    pub(crate) version: i32,
    pub(crate) text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DidChangeParams {
    pub(crate) text_document: VersionedDocument,
    pub(crate) content_changes: Vec<ContentChange>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VersionedDocument {
    pub(crate) uri: String,
    pub(crate) version: i32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ContentChange {
    /// Without one, all of the text is another.
    pub(crate) range: Option<Range>,
    pub(crate) text: String,
}

/// Of requests about a document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentParams {
    pub(crate) text_document: DocumentId,
}

/// Of requests about a place in a document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionParams {
    pub(crate) text_document: DocumentId,
    pub(crate) position: Position,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReferenceParams {
    pub(crate) text_document: DocumentId,
    pub(crate) position: Position,
    pub(crate) context: ReferenceContext,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReferenceContext {
    pub(crate) include_declaration: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RenameParams {
    pub(crate) text_document: DocumentId,
    pub(crate) position: Position,
    pub(crate) new_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeActionParams {
    pub(crate) text_document: DocumentId,
    pub(crate) range: Range,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CancelParams {
    pub(crate) id: lsp_server::RequestId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Location {
    pub(crate) uri: String,
    pub(crate) range: Range,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TextEdit {
    pub(crate) range: Range,
    pub(crate) new_text: String,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct WorkspaceEdit {
    pub(crate) changes: BTreeMap<String, Vec<TextEdit>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PublishDiagnosticsParams {
    pub(crate) uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i32>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnostic {
    pub(crate) range: Range,
    /// 1: an error, 2: a warning.
    pub(crate) severity: u8,
    pub(crate) code: &'static str,
    pub(crate) source: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) related_information: Vec<RelatedInformation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RelatedInformation {
    pub(crate) location: Location,
    pub(crate) message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Markup {
    pub(crate) kind: &'static str,
    pub(crate) value: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Hover {
    pub(crate) contents: Markup,
    pub(crate) range: Range,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompletionItem {
    pub(crate) label: String,
    pub(crate) kind: u8,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) documentation: Option<Markup>,
    pub(crate) sort_text: String,
    pub(crate) text_edit: TextEdit,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignatureHelp {
    pub(crate) signatures: Vec<SignatureInformation>,
    pub(crate) active_signature: u32,
    pub(crate) active_parameter: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignatureInformation {
    pub(crate) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) documentation: Option<Markup>,
    pub(crate) parameters: Vec<ParameterInformation>,
    pub(crate) active_parameter: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct ParameterInformation {
    pub(crate) label: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentSymbol {
    pub(crate) name: String,
    pub(crate) kind: u8,
    pub(crate) range: Range,
    pub(crate) selection_range: Range,
    pub(crate) children: Vec<DocumentSymbol>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeAction {
    pub(crate) title: String,
    pub(crate) kind: &'static str,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) edit: WorkspaceEdit,
    pub(crate) is_preferred: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct PreparedRename {
    pub(crate) range: Range,
    pub(crate) placeholder: String,
}

// Starts `iridium lsp` for files in Palladium.
"use strict";

const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("palladium").get("iridium");
  const server = { command, args: ["lsp"] };
  const files = workspace.createFileSystemWatcher("**/*.pd");
  client = new LanguageClient("palladium", "Palladium", server, {
    documentSelector: [{ language: "palladium" }],
    synchronize: { fileEvents: files },
  });
  return client.start();
};

exports.deactivate = () => client?.stop();

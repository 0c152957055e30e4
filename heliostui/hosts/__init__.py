"""The machines whose engines a console shows. Imports the client and the protocol."""

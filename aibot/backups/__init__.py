"""Backups: rows and pictures, sealed for a key that the server does not have.

A place (`place.py`) holds one folder for each backup and one pool of pictures for all of them:

    20261125T033000Z/database.age    the dump, sealed
    20261125T033000Z/pictures.gz     which pictures it refers to: name, bytes, SHA-256 as sealed
    20261125T033000Z/manifest.json   written last: a folder without one is no backup
    pictures/ab/<name>.age           each picture once, sealed, however many backups refer to it

Rows are dumped first and pictures are copied after, so whatever a dumped row names is either there
or was deleted by then; a restore marks those rows as deleted.
"""

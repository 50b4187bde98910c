"""The pages with the widget: a book's, made without Node (`book_*`), and a site that Docusaurus has built
(`static_site`, `docs_site`). The widget in one file is in `assets/`.

`running`, beside this folder, starts `book_server` with the other services; `make site` runs `docs_site`, and
the build of the image `book_files`.
"""

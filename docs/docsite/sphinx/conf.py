# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the documentation site. Nothing is fetched: ``make docs`` works without a network."""

from __future__ import annotations

project = "msrpc.dhcp"
author = "msrpc.dhcp contributors"
copyright = "2026, msrpc.dhcp contributors"  # noqa: A001  (Sphinx wants this name)
title = "msrpc.dhcp: DHCP on Windows servers, from Ansible"
html_short_title = "msrpc.dhcp"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 3

pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_theme_options = {"show_extranav": False}
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_use_modindex = False

nitpicky = True

#!/usr/bin/python3
"""Fetches paintings of the National Gallery of Art, Washington, that are free of rights (CC0), to train with."""
import argparse
import csv
import os
import pathlib
import sys
import time
import urllib.request

TABLES = "https://raw.githubusercontent.com/NationalGalleryOfArt/opendata/main/data/"


def opened(url):
    return urllib.request.urlopen(urllib.request.Request(url, headers={"User-Agent": "paintings.py"}), timeout=60)


def rows(url):
    """Yields the lines of a table as dictionaries."""
    with opened(url) as table:
        yield from csv.DictReader(line.decode() for line in table)


def pictures(tables):
    """Gives number and address of the main picture of each painting that may be used for everything."""
    paintings = {row["objectid"] for row in rows(tables + "objects.csv") if row["classification"] == "Painting"}
    for row in rows(tables + "published_images.csv"):
        if row["openaccess"] == "1" and row["viewtype"] == "primary" and row["depictstmsobjectid"] in paintings:
            yield row["depictstmsobjectid"], row["iiifurl"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the pictures; those that are there are kept")
    parser.add_argument("--number", type=int, default=2000, help="how many pictures (%(default)s)")
    parser.add_argument("--size", type=int, default=512, help="longest side in pixels (%(default)s)")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two pictures (%(default)s)")
    parser.add_argument("--tables", default=TABLES, help="address of the folder of tables (%(default)s)")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    there = failed = 0
    for number, address in list(pictures(wanted.tables)):
        if there == wanted.number:
            break
        path = wanted.out / f"{number}.jpg"
        if not path.exists():
            try:
                with opened(f"{address}/full/!{wanted.size},{wanted.size}/0/default.jpg") as picture:
                    data = picture.read()
            except OSError as error:
                print(f"paintings.py: painting {number}: {error}", file=sys.stderr)
                failed += 1
                if failed > 20:
                    sys.exit("paintings.py: more than 20 pictures failed; the same line goes on later")
                continue
            part = path.with_suffix(".part")
            part.write_bytes(data)
            os.replace(part, path)
            time.sleep(wanted.pause)
        there += 1
        print(f"\r{there} of {wanted.number}", end="", file=sys.stderr)
    print(f"\n{there} paintings in {wanted.out}", file=sys.stderr)
    if there == 0:
        sys.exit("paintings.py: found no painting in the tables")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"paintings.py: {error}")
    except KeyError as error:
        sys.exit(f"paintings.py: a table has no column {error}")
    except KeyboardInterrupt:
        sys.exit("paintings.py: stopped; the same line goes on")

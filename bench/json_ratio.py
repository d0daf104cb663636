#!/usr/bin/env python3
"""Scanning, filtering and emitting 1 MiB of JSON of which three fields are wanted, beside simdjson's DOM parse of the
same bytes: gladius_bench runs both in turn, and the median of the ratios of the rounds counts.

Bar: at most 2 x.
"""
import json, os, statistics, subprocess
import lab


def main():
    a = lab.options(__doc__, bench=(str, os.path.join(lab.ROOT, "build/release/gladius_bench"), "the microbenchmarks"), rounds=(int, 7, "rounds"))
    ratios = []
    for _ in range(a.rounds):
        out = subprocess.run([a.bench, "--benchmark_filter=BM_Large", "--benchmark_format=json", "--benchmark_min_time=0.2"],
                             capture_output=True, text=True, check=True).stdout
        ns = {b["name"]: b["cpu_time"] for b in json.loads(out)["benchmarks"]}
        ratios.append(ns["BM_LargeFilter"] / ns["BM_LargeSimdjson"])
    lab.table("1 MiB filtered to three fields", ["us", "simdjson us", "ratio (median)"],
              [[ns["BM_LargeFilter"] / 1000, ns["BM_LargeSimdjson"] / 1000, statistics.median(ratios)]])
    lab.verdict(statistics.median(ratios) <= 2, f"{statistics.median(ratios):.2f} x simdjson's DOM parse (bar: at most 2 x)")
    lab.done()


main()

"""The CSV file that shows an operator how an audience is written."""

from __future__ import annotations

SAMPLE = """\
first_name,last_name,email,phone,city,plan,amount,language
Ana,Marin,ana.marin@example.com,+12025550101,Austin,gold,120.50,en
Bob,"O'Neil, Jr.",bob@example.com,+12025550102,Boston,silver,80,en
Chloé,Durand,chloe.durand@example.com,+442079460103,London,gold,45.90,fr
"""

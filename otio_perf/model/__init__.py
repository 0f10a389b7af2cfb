"""The values that travel through the house: frozen, standard library only, no I/O.

Read them in the order of the pipeline: ``timing`` ▸ ``uses`` ▸ ``spans`` ▸ ``media`` ▸ ``machine`` ▸ ``recipes`` ▸
``plans`` ▸ ``tasks`` ▸ ``events`` ▸ ``analysis``; ``wire`` turns each of them into JSON and back.
"""

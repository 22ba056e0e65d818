select variant_digest, answer from sluicegate.find_results($1)

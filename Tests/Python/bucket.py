"""An S3 server with one bucket, which checks signatures as the real one does.

Prints one line of JSON with its address and a key, and serves until it is ended.
Usage: bucket.py <port> <bucket>
"""

import json
import os
import signal
import sys

# What follows these calls must be signed by a user who may do it.
SETUP_CALLS = 4
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(SETUP_CALLS)

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402


def main() -> None:
    port, bucket = int(sys.argv[1]), sys.argv[2]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{port}"
    settings = dict(
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="setup",
        aws_secret_access_key="setup",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )
    iam = boto3.client("iam", **settings)
    iam.create_user(UserName="notifier")
    key = iam.create_access_key(UserName="notifier")["AccessKey"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
    iam.put_user_policy(UserName="notifier", PolicyName="all", PolicyDocument=json.dumps(policy))
    boto3.client("s3", **settings).create_bucket(Bucket=bucket)
    print(
        json.dumps({"url": url, "access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}),
        flush=True,
    )
    signal.pause()


if __name__ == "__main__":
    main()

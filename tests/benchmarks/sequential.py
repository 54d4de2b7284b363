#!/usr/bin/env python3
"""What an administrator would write instead of camsync's quiet pass: the same requests, one after another.

Reads the enterprise from WeCom and the account from CAM over two kept connections, and compares them by name.
It keeps nothing, proves nothing and writes nothing. Arguments: the simulators' JSON as `simulators` prints it.
"""
import hashlib
import hmac
import http.client
import json
import sys
import time
import urllib.parse


class WeCom:
    def __init__(self, url, settings):
        self.host = urllib.parse.urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.host)
        answer = self.get("gettoken", corpid=settings["corp_id"], corpsecret=settings["wecom_secret"])
        self.token = answer["access_token"]

    def get(self, path, **query):
        self.connection.request("GET", f"/cgi-bin/{path}?{urllib.parse.urlencode(query)}")
        answer = json.loads(self.connection.getresponse().read())
        if answer.get("errcode", 0) != 0:
            raise SystemExit(f"{path}: {answer}")
        return answer

    def read(self, path, **query):
        return self.get(path, access_token=self.token, **query)


class Cam:
    def __init__(self, url, settings):
        self.host = urllib.parse.urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.host)
        self.id, self.key = settings["secret_id"], settings["secret_key"]

    def call(self, action, **parameters):
        body = json.dumps(parameters)
        now = int(time.time())
        date = time.strftime("%Y-%m-%d", time.gmtime(now))
        canonical = (
            "POST\n/\n\n"
            f"content-type:application/json\nhost:{self.host}\nx-tc-action:{action.lower()}\n\n"
            "content-type;host;x-tc-action\n" + hashlib.sha256(body.encode()).hexdigest()
        )
        scope = f"{date}/cam/tc3_request"
        text = f"TC3-HMAC-SHA256\n{now}\n{scope}\n" + hashlib.sha256(canonical.encode()).hexdigest()
        key = ("TC3" + self.key).encode()
        for part in (date, "cam", "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        self.connection.request("POST", "/", body, {
            "Content-Type": "application/json",
            "X-TC-Action": action,
            "X-TC-Version": "2019-01-16",
            "X-TC-Timestamp": str(now),
            "Authorization": f"TC3-HMAC-SHA256 Credential={self.id}/{scope}, "
                             f"SignedHeaders=content-type;host;x-tc-action, Signature={signature}",
        })
        answer = json.loads(self.connection.getresponse().read())["Response"]
        if "Error" in answer:
            raise SystemExit(f"{action}: {answer['Error']}")
        return answer


def main():
    place = json.loads(sys.argv[1])
    settings = place["settings"]
    wecom = WeCom(place["wecom"], settings)
    agent = wecom.read("agent/get", agentid=settings["agent_id"])
    departments = wecom.read("department/list")["department"]
    tags = agent.get("allow_tags", {}).get("tagid", [])
    for tag in wecom.read("tag/list")["taglist"]:
        wecom.read("tag/get", tagid=tag["tagid"])
    members = {}
    for department in departments:
        for member in wecom.read("user/list", department_id=department["id"])["userlist"]:
            members[member["userid"].lower()] = member
    cam = Cam(place["cam"], settings)
    cam.call("GetUserAppId")
    users, marker = {}, None
    while True:
        page = cam.call("ListAccounts", MaxItems=100, **({"Marker": marker} if marker else {}))
        users.update((user["Name"].lower(), user) for user in page["Users"])
        if not page["IsTruncated"]:
            break
        marker = page["Marker"]
    missing = [m for m in members.values() if m["status"] == 1 and m["userid"].lower() not in users]
    other = [m for m in members.values() if m["userid"].lower() in users
             and not users[m["userid"].lower()]["Remark"].startswith(m["name"])]
    print(json.dumps({"members": len(members), "users": len(users), "tags": len(tags),
                      "missing": len(missing), "other_remark": len(other)}))


main()
